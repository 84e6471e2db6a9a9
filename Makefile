.PHONY: kafka
# The jars of a real Apache Kafka, for tests and benchmarks.
kafka:
	@scripts/kafka-libs
