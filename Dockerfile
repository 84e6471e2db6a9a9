# Tidemark in an image of its own: one static binary, no shell, no root.
#
#   docker build -t tidemark .
#   docker run --rm -v $PWD/tidemark.yaml:/etc/tidemark/tidemark.yaml:ro tidemark

FROM golang:1.26-bookworm AS build
WORKDIR /src
# The modules first: they change less often than the code.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/tidemark ./cmd/tidemark

# The health check needs something that asks over HTTP; a scratch image has nothing.
FROM busybox:1.37-musl AS tools

FROM scratch
# Authorities for TLS to Kafka and Redis. The time zones are in the binary.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=tools /bin/busybox /bin/wget
COPY --from=build /out/tidemark /bin/tidemark
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/bin/tidemark"]
CMD ["serve", "--config", "/etc/tidemark/tidemark.yaml"]
