// Package composecheck holds docker-compose.yml against what the Compose
// specification allows and against the files beside it. It runs no engine.
package composecheck

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

const root = "../.."

// load reads docker-compose.yml as the compose command would: interpolated,
// checked against the specification's schema and with its defaults filled in.
func load(t *testing.T) *types.Project {
	t.Helper()
	o, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, cli.WithWorkingDirectory(root))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func service(t *testing.T, p *types.Project, name string) types.ServiceConfig {
	t.Helper()
	s, err := p.GetService(name)
	if err != nil {
		t.Fatalf("service %s: %v", name, err)
	}
	return s
}

func TestServicesAndImages(t *testing.T) {
	p := load(t)
	names := p.ServiceNames()
	slices.Sort(names)
	if want := []string{"kafka", "redis", "tidemark", "topics"}; !slices.Equal(names, want) {
		t.Fatalf("services %v, want %v", names, want)
	}
	for name, image := range map[string]string{"kafka": "apache/kafka:4.3.0", "topics": "apache/kafka:4.3.0", "redis": "redis:7"} {
		if got := service(t, p, name).Image; got != image {
			t.Errorf("%s runs %s, want %s", name, got, image)
		}
	}
	build := service(t, p, "tidemark").Build
	if build == nil {
		t.Fatal("tidemark is not built from this repository")
	}
	if _, err := os.Stat(filepath.Join(build.Context, build.Dockerfile)); err != nil {
		t.Errorf("tidemark's Dockerfile: %v", err)
	}
}

// Nothing here wants a password, so nothing may be reached from other machines.
func TestPortsAreLocal(t *testing.T) {
	p := load(t)
	published := map[string]string{}
	for _, name := range p.ServiceNames() {
		for _, port := range service(t, p, name).Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes %s on %q, want 127.0.0.1", name, port.Published, port.HostIP)
			}
			published[name] += port.Published
		}
	}
	if len(published) != 2 || published["kafka"] != "9092" || published["tidemark"] != "8080" {
		t.Errorf("published ports %v, want kafka 9092 and tidemark 8080", published)
	}
}

func TestEachWaitsForWhatItNeeds(t *testing.T) {
	p := load(t)
	for name, want := range map[string]map[string]string{
		"kafka":    {},
		"redis":    {},
		"topics":   {"kafka": types.ServiceConditionHealthy},
		"tidemark": {"kafka": types.ServiceConditionHealthy, "redis": types.ServiceConditionHealthy, "topics": types.ServiceConditionCompletedSuccessfully},
	} {
		got := service(t, p, name).DependsOn
		if len(got) != len(want) {
			t.Errorf("%s depends on %v, want %v", name, got, want)
		}
		for on, condition := range want {
			if got[on].Condition != condition {
				t.Errorf("%s waits for %s: %q, want %q", name, on, got[on].Condition, condition)
			}
		}
	}
}

func TestHealthChecks(t *testing.T) {
	p := load(t)
	for name, want := range map[string]string{"kafka": "kafka-broker-api-versions.sh", "redis": "redis-cli ping", "tidemark": "/readyz"} {
		check := service(t, p, name).HealthCheck
		if check == nil {
			t.Errorf("%s has no health check", name)
			continue
		}
		// "CMD-SHELL" would need a shell, which tidemark's image has not.
		if test := strings.Join(check.Test, " "); check.Test[0] != "CMD" || !strings.Contains(test, want) {
			t.Errorf("%s is checked with %q, want CMD and %q", name, test, want)
		}
		if check.Interval == nil || check.Timeout == nil || check.Retries == nil {
			t.Errorf("%s: interval, timeout and retries should be stated", name)
		}
	}
}

func TestRedisKeepsState(t *testing.T) {
	s := service(t, load(t), "redis")
	command := strings.Join(s.Command, " ")
	for _, want := range []string{"--appendonly yes", "--maxmemory-policy noeviction"} {
		if !strings.Contains(command, want) {
			t.Errorf("redis runs %q, want %q", command, want)
		}
	}
	if len(s.Volumes) != 1 || s.Volumes[0].Type != types.VolumeTypeVolume || s.Volumes[0].Target != "/data" {
		t.Errorf("redis has the volumes %v, want a named one at /data", s.Volumes)
	}
}

// The listener that tidemark is told of must be one that Kafka advertises inside
// the network, and every setting from the environment one that the file has.
func TestTidemarkIsConfigured(t *testing.T) {
	p := load(t)
	s := service(t, p, "tidemark")
	var file string
	for _, v := range s.Volumes {
		if v.Target == "/etc/tidemark/tidemark.yaml" && v.ReadOnly {
			file = v.Source
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("the mounted configuration: %v", err)
	}
	if got := strings.Join(s.Command, " "); got != "serve --config /etc/tidemark/tidemark.yaml" {
		t.Errorf("tidemark runs %q, which does not read the mounted file", got)
	}
	var settings map[string]any
	if err := yaml.Unmarshal(b, &settings); err != nil {
		t.Fatal(err)
	}
	for name := range s.Environment {
		section, key, ok := strings.Cut(strings.ToLower(strings.TrimPrefix(name, "TIDEMARK_")), "_")
		m, _ := settings[section].(map[string]any)
		if _, known := m[key]; !ok || !known {
			t.Errorf("%s is no setting of %s", name, filepath.Base(file))
		}
	}
	advertised := *service(t, p, "kafka").Environment["KAFKA_ADVERTISED_LISTENERS"]
	if broker := *s.Environment["TIDEMARK_KAFKA_BROKERS"]; !strings.Contains(advertised, "://"+broker) {
		t.Errorf("tidemark is told of %s, Kafka advertises %s", broker, advertised)
	}
}

func TestInputTopicsAreThoseOfTheConfiguration(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "tidemark.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var settings struct {
		Kafka struct{ Topics map[string]string }
	}
	if err := yaml.Unmarshal(b, &settings); err != nil {
		t.Fatal(err)
	}
	if len(settings.Kafka.Topics) != 5 {
		t.Fatalf("topics %v, want five", settings.Kafka.Topics)
	}
	command := strings.Join(service(t, load(t), "topics").Command, " ")
	created := strings.Fields(strings.TrimPrefix(command[strings.Index(command, "for topic in "):strings.Index(command, "; do")], "for topic in "))
	for _, topic := range settings.Kafka.Topics {
		if !slices.Contains(created, topic) {
			t.Errorf("%s is an input topic that nobody creates (created: %v)", topic, created)
		}
	}
}

// Runs as root in a container means root on what is mounted into it.
func TestImageDoesNotRunAsRoot(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	last := b[strings.LastIndex(string(b), "\nFROM "):]
	for _, want := range []string{"\nUSER 65532:65532\n", `ENTRYPOINT ["/bin/tidemark"]`, "/bin/wget\n"} {
		if !strings.Contains(string(last), want) {
			t.Errorf("the image's last stage has no %q", want)
		}
	}
}
