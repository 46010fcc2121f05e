package dynamolease

// Keys says what names the leases of a table.
type Keys uint8

const (
	// ByShard is the way of an application that reads one stream: a lease has
	// its shard's ID as the key.
	ByShard Keys = iota
	// ByStreamAndShard is the way of an application that reads several
	// streams: the key is account:stream:epoch:shard.
	ByStreamAndShard
	// EitherKeys accepts both. It is for tools that only look.
	EitherKeys
)
