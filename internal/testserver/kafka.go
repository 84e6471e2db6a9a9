package testserver

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// KafkaOptions are what a broker is started with. The zero value will do.
type KafkaOptions struct {
	Dir    string   // data, log and configuration; "": a folder that is deleted when we end
	Libs   string   // the jars; "": $TIDEMARK_KAFKA_LIBS, else build/kafka/libs of the checkout
	JVM    []string // options of the Java machine; nil: a small heap and a quick start, for tests
	Secure bool     // a second listener with SASL_SSL: SCRAM-SHA-512 and PLAIN
	// Properties are added to server.properties and win over ours.
	Properties map[string]string
}

// Kafka is one Apache Kafka broker in KRaft mode, its own controller.
type Kafka struct {
	Addr string // "127.0.0.1:port", plain text
	Dir  string // data below "data", the broker's log in "kafka.log"

	// Only with KafkaOptions.Secure:
	SecureAddr     string // SASL_SSL, SCRAM-SHA-512 and PLAIN
	User, Password string
	Certificates   Certificates

	server server
}

// RunKafka formats a new broker's storage and starts it. It returns when the
// broker answers. The caller stops it; it also ends with this process.
func RunKafka(o KafkaOptions) (*Kafka, error) {
	var err error
	if o.Libs == "" {
		if o.Libs, err = kafkaLibs(); err != nil {
			return nil, err
		}
	}
	if o.Dir == "" {
		if o.Dir, err = scratchDir("kafka"); err != nil {
			return nil, err
		}
	}
	if o.JVM == nil {
		o.JVM = []string{"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}
	}
	k := &Kafka{Dir: o.Dir}
	if o.Secure {
		if k.Certificates, err = SelfSigned(o.Dir); err != nil {
			return nil, err
		}
		k.User, k.Password = "tidemark", rand.Text()
	}
	return k, withPorts(3, func(ports []int) error { return k.firstStart(o, ports) })
}

// firstStart formats the storage for these ports and starts the broker.
func (k *Kafka) firstStart(o KafkaOptions, ports []int) error {
	k.Addr = local(ports[0])
	if o.Secure {
		k.SecureAddr = local(ports[2])
	}
	if err := os.RemoveAll(filepath.Join(k.Dir, "data")); err != nil {
		return err
	}
	properties, err := k.configure(o, ports)
	if err != nil {
		return err
	}
	if err := k.format(o, properties); err != nil {
		return err
	}
	argv := append([]string{"java"}, o.JVM...)
	argv = append(argv, "-Dlog4j2.configurationFile="+filepath.Join(k.Dir, "log4j2.xml"),
		"-cp", filepath.Join(o.Libs, "*"), "kafka.Kafka", properties)
	k.server = server{name: "Kafka on " + k.Addr, argv: argv, log: filepath.Join(k.Dir, "kafka.log")}
	return k.Start()
}

// format writes the cluster id and, where asked, the SCRAM user.
func (k *Kafka) format(o KafkaOptions, properties string) error {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return fmt.Errorf("draw a cluster id: %w", err)
	}
	// Kafka's tools take an id that begins with a dash for an option.
	id[0] &= 0x7f
	args := []string{"-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dlog4j2.configurationFile=" + filepath.Join(k.Dir, "log4j2.xml"),
		"-cp", filepath.Join(o.Libs, "*"), "kafka.tools.StorageTool", "format",
		"-t", base64.RawURLEncoding.EncodeToString(id[:]), "-c", properties}
	if o.Secure {
		args = append(args, "--add-scram", fmt.Sprintf("SCRAM-SHA-512=[name=%s,password=%s]", k.User, k.Password))
	}
	cmd := exec.Command("java", args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format Kafka's storage: %w:\n%s", err, out)
	}
	return nil
}

// Start starts a stopped broker on the same ports and storage and returns when
// it answers.
func (k *Kafka) Start() error { return k.server.start(k.ready) }

// Stop kills the broker (SIGKILL) and waits until it is gone.
func (k *Kafka) Stop() error { return k.server.signal(syscall.SIGKILL) }

// Terminate asks the broker to end (SIGTERM) and waits until it has.
func (k *Kafka) Terminate() error { return k.server.signal(syscall.SIGTERM) }

// Pid is the broker's process id, 0 while it is stopped.
func (k *Kafka) Pid() int { return k.server.pid() }

// Log is the path of what the broker wrote to its standard output.
func (k *Kafka) Log() string { return k.server.log }

func (k *Kafka) ready() error {
	return k.admin(func(ctx context.Context, a *kadm.Client) error {
		m, err := a.BrokerMetadata(ctx)
		if err != nil {
			return err
		}
		if len(m.Brokers) == 0 {
			return errors.New("the broker has not joined its cluster yet")
		}
		return nil
	})
}

// admin calls do with a client of its own, so that no connection is left over
// that a later kill would break.
func (k *Kafka) admin(do func(context.Context, *kadm.Client) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.Addr), kgo.RetryTimeout(time.Second))
	if err != nil {
		return err
	}
	defer cl.Close()
	return do(ctx, kadm.NewClient(cl))
}

// NewTopic creates a topic with one replica. configs are Kafka's topic
// settings, such as "cleanup.policy": "compact"; nil for the broker's defaults.
func (k *Kafka) NewTopic(name string, partitions int, configs map[string]string) error {
	c := map[string]*string{}
	for key, v := range configs {
		c[key] = kadm.StringPtr(v)
	}
	err := k.admin(func(ctx context.Context, a *kadm.Client) error {
		r, err := a.CreateTopic(ctx, int32(partitions), 1, c, name)
		return errors.Join(err, r.Err)
	})
	if err != nil {
		return fmt.Errorf("create topic %s: %w", name, err)
	}
	return nil
}

// kafkaLibs finds the folder of Kafka's jars.
func kafkaLibs() (string, error) {
	const way = "run `make kafka`, or name a folder of jars in TIDEMARK_KAFKA_LIBS"
	dir := os.Getenv("TIDEMARK_KAFKA_LIBS")
	if dir == "" {
		root, err := repository()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, "build", "kafka", "libs")
	}
	jars, err := filepath.Glob(filepath.Join(dir, "kafka_*.jar"))
	if err != nil {
		return "", fmt.Errorf("look for Kafka's jars: %w", err)
	}
	if len(jars) == 0 {
		return "", fmt.Errorf("no Kafka in %s: %s", dir, way)
	}
	return dir, nil
}

// repository returns the checkout's root: the first folder with a go.mod and a
// Makefile, from the working folder upwards (modules of their own lie below).
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if exists(filepath.Join(dir, "go.mod")) && exists(filepath.Join(dir, "Makefile")) {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("not inside Tidemark's checkout: name a folder of Kafka's jars in TIDEMARK_KAFKA_LIBS")
		}
		dir = up
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
