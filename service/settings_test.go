package service

import (
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/config"
)

// TestAnotherZoneOrWeekIsRefused: the stored state keeps its zone and the day its
// weeks begin with, and a change of either is refused in one sentence with the
// way out.
func TestAnotherZoneOrWeekIsRefused(t *testing.T) {
	stored := config.Default().Fingerprint()
	const out = "): set them back, or use a new redis.namespace, kafka.group and output topics and read the log from its beginning"
	for want, change := range map[string]func(*config.Config){
		"": func(*config.Config) {},
		"the stored state was made with other settings (time_zone was UTC and is Pacific/Apia" + out: func(c *config.Config) { c.TimeZone = "Pacific/Apia" },
		"the stored state was made with other settings (week_start was monday and is sunday" + out:   func(c *config.Config) { c.WeekStart = time.Sunday },
		"the stored state was made with other settings (dimensions was [] and is [plan]" + out:       func(c *config.Config) { c.Dimensions = []string{"plan"} },
	} {
		c := config.Default()
		change(c)
		if got := (&service{cfg: c}).changed(stored); got != want {
			t.Errorf("it says %q, not %q", got, want)
		}
	}
}
