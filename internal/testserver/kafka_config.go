package testserver

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// log4j2 writes warnings and errors to standard output.
const log4j2 = `<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="WARN">
  <Appenders>
    <Console name="console"><PatternLayout pattern="%d{HH:mm:ss.SSS} %p %c{1} %m%n"/></Console>
  </Appenders>
  <Loggers><Root level="WARN"><AppenderRef ref="console"/></Root></Loggers>
</Configuration>
`

// configure writes server.properties and log4j2.xml and returns the former's
// path. ports are plain text, controller, SASL_SSL.
func (k *Kafka) configure(o KafkaOptions, ports []int) (string, error) {
	p := map[string]string{
		"process.roles":                                    "broker,controller",
		"node.id":                                          "1",
		"controller.quorum.voters":                         "1@" + local(ports[1]),
		"controller.listener.names":                        "CONTROLLER",
		"listeners":                                        "PLAINTEXT://" + local(ports[0]) + ",CONTROLLER://" + local(ports[1]),
		"listener.security.protocol.map":                   "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL",
		"inter.broker.listener.name":                       "PLAINTEXT",
		"log.dirs":                                         filepath.Join(k.Dir, "data"),
		"offsets.topic.replication.factor":                 "1",
		"offsets.topic.num.partitions":                     "4",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"transaction.state.log.num.partitions":             "4",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",
		// A topic that somebody forgot to create is a mistake that tests should see.
		"auto.create.topics.enable": "false",
		// A killed broker may register again only when its session is over: 9 s
		// unless told otherwise.
		"broker.session.timeout.ms":    "3000",
		"broker.heartbeat.interval.ms": "500",
		// A member that joins need not wait for others.
		"group.initial.rebalance.delay.ms": "0",
		// Lets crash tests use sessions shorter than the 6 s that are the least otherwise.
		"group.min.session.timeout.ms": "500",
		// Open transactions are looked at for their time-out each second, not each 10 s.
		"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
	}
	if o.Secure {
		k.secure(p, ports[2])
	}
	maps.Copy(p, o.Properties)
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", key, p[key])
	}
	if err := os.WriteFile(filepath.Join(k.Dir, "log4j2.xml"), []byte(log4j2), 0o644); err != nil {
		return "", fmt.Errorf("write Kafka's configuration: %w", err)
	}
	path := filepath.Join(k.Dir, "server.properties")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		return "", fmt.Errorf("write Kafka's configuration: %w", err)
	}
	return path, nil
}

// secure adds a listener with TLS that wants a user and a password. The same
// user is known to SCRAM (written when the storage is formatted) and to PLAIN.
func (k *Kafka) secure(p map[string]string, port int) {
	p["listeners"] += ",SASL_SSL://" + local(port)
	p["sasl.enabled.mechanisms"] = "SCRAM-SHA-512,PLAIN"
	const listener = "listener.name.sasl_ssl."
	p[listener+"scram-sha-512.sasl.jaas.config"] =
		"org.apache.kafka.common.security.scram.ScramLoginModule required;"
	p[listener+"plain.sasl.jaas.config"] = fmt.Sprintf(
		`org.apache.kafka.common.security.plain.PlainLoginModule required user_%s="%s";`, k.User, k.Password)
	p["ssl.keystore.type"] = "PEM"
	p["ssl.keystore.location"] = k.Certificates.KeyStore
}
