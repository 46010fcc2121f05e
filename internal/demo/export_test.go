package demo

import "time"

// Brief returns cfg with a story in which two workers join, and nothing else
// happens. What is missing a while after the end is lost; 0 is the usual time.
func Brief(cfg Config, settle time.Duration) Config {
	cfg.settle = settle
	cfg.acts = []moment{{0, joins, 0}, {0, joins, 1}, {0, sums, 0}}
	return cfg
}
