package demo

import "time"

// fullLength is the duration for which the script's times are written.
const fullLength = 60 * time.Second

// An act is one thing that happens in the story.
type act string

const (
	joins  act = "join"
	kills  act = "kill"
	splits act = "split"
	merges act = "merge"
	pauses act = "pause"
	stops  act = "stop"
	sums   act = "sum"
)

// A moment is when an act begins at the earliest.
type moment struct {
	at  time.Duration
	act act
	// worker is who joins, counted from 0.
	worker int
}

// script is the story for so many workers, with its times scaled from those of a
// minute. Systems that cannot stop a process have no pause.
func script(duration time.Duration, workers int, canPause bool) []moment {
	var s []moment
	add := func(seconds float64, a act, worker int) {
		at := time.Duration(seconds * float64(time.Second) * float64(duration) / float64(fullLength))
		s = append(s, moment{at, a, worker})
	}
	// The first is alone for a while; the last joins some time before the crash.
	const first, second, last = 2, 10, 18
	for i := range workers {
		switch {
		case i == 0:
			add(first, joins, i)
		case workers == 2:
			add(second, joins, i)
		default:
			add(second+float64(last-second)*float64(i-1)/float64(workers-2), joins, i)
		}
	}
	add(24, kills, 0)
	add(34, splits, 0)
	add(38, merges, 0)
	if canPause {
		add(42, pauses, 0)
	}
	add(52, stops, 0)
	add(58, sums, 0)
	return s
}

// pauseTime is how long a worker sleeps at least. It does not scale: a shorter
// sleep would not cost it its leases.
func pauseTime(failover time.Duration) time.Duration { return 2 * failover }

// workerName is a, b, c, …
func workerName(i int) string { return string(rune('a' + i)) }
