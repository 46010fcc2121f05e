package cli

import (
	"fmt"
	"strconv"
	"strings"
)

// shardPrefix begins the shard IDs that Kinesis makes.
const shardPrefix = "shardId-"

// shortShard is how people see a shard: 7 for shardId-000000000007. An ID of
// another form stays as it is.
func shortShard(id string) string {
	digits, ok := strings.CutPrefix(id, shardPrefix)
	if !ok || len(digits) != 12 {
		return id
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return id
	}
	return strconv.FormatUint(n, 10)
}

// fullShard reads a shard as people name it: 7 is shardId-000000000007, and
// everything else is the ID itself.
func fullShard(s string) string {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > 999_999_999_999 {
		return s
	}
	return fmt.Sprintf("%s%012d", shardPrefix, n)
}
