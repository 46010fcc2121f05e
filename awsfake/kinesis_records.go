package awsfake

import "github.com/leasehold/leasehold/awsfake/internal/kin"

type putRecordInput struct {
	streamRef
	Data                      []byte
	PartitionKey              *string
	ExplicitHashKey           *string
	SequenceNumberForOrdering *string
}

func putRecord(a *kin.Account, in *putRecordInput, w *body) error {
	name, err := in.stream()
	if err != nil {
		return err
	}
	if s := in.SequenceNumberForOrdering; s != nil {
		// Numbers grow in any case; what remains is to refuse what is none.
		if _, ok := kin.ParseSequence(*s); !ok {
			return &kin.Error{Code: "InvalidArgumentException",
				Message: "ExclusiveMinimumSequenceNumber " + *s + " used in PutRecord on stream " + name + " is invalid."}
		}
	}
	p, err := a.Put(name, kin.Entry{Data: in.Data, Key: in.PartitionKey, Hash: in.ExplicitHashKey})
	if err != nil {
		return err
	}
	w.object(func() {
		w.key("ShardId").text(p.Shard)
		w.key("SequenceNumber").sequence(p.Sequence)
	})
	return nil
}

type putRecordsInput struct {
	streamRef
	Records []struct {
		Data            []byte
		PartitionKey    *string
		ExplicitHashKey *string
	}
}

func putRecords(a *kin.Account, in *putRecordsInput, w *body) error {
	name, err := in.stream()
	if err != nil {
		return err
	}
	entries := make([]kin.Entry, len(in.Records))
	for i, r := range in.Records {
		entries[i] = kin.Entry{Data: r.Data, Key: r.PartitionKey, Hash: r.ExplicitHashKey}
	}
	placed, err := a.PutAll(name, entries)
	if err != nil {
		return err
	}
	failed := 0
	for _, p := range placed {
		if p.Failure != nil {
			failed++
		}
	}
	w.object(func() {
		w.key("FailedRecordCount").int(int64(failed))
		w.key("Records").list(len(placed), func(i int) {
			p := placed[i]
			w.object(func() {
				if p.Failure != nil {
					w.key("ErrorCode").text(p.Failure.Code)
					w.key("ErrorMessage").text(p.Failure.Message)
					return
				}
				w.key("ShardId").text(p.Shard)
				w.key("SequenceNumber").sequence(p.Sequence)
			})
		})
	})
	return nil
}

type getShardIteratorInput struct {
	streamRef
	ShardId                string
	ShardIteratorType      string
	StartingSequenceNumber string
	Timestamp              *epoch
}

func (in *getShardIteratorInput) target() (string, string) {
	stream, _ := in.streamRef.target()
	return stream, in.ShardId
}

func getShardIterator(a *kin.Account, in *getShardIteratorInput, w *body) error {
	name, err := in.stream()
	switch {
	case err != nil:
		return err
	case in.ShardId == "":
		return missing("shardId")
	case in.ShardIteratorType == "":
		return missing("shardIteratorType")
	}
	from := kin.From{Type: kin.IteratorType(in.ShardIteratorType), Sequence: in.StartingSequenceNumber}
	if in.Timestamp != nil {
		from.At = new(in.Timestamp.milli())
	}
	it, err := a.Iterator(name, in.ShardId, from)
	if err != nil {
		return err
	}
	w.object(func() { w.key("ShardIterator").text(it) })
	return nil
}

type getRecordsInput struct {
	StreamARN     *string
	ShardIterator *string
	Limit         *int
}

func (in *getRecordsInput) target() (string, string) {
	if in.ShardIterator == nil {
		return "", ""
	}
	return kin.IteratorAt(*in.ShardIterator)
}

func getRecords(a *kin.Account, in *getRecordsInput, w *body) error {
	if in.ShardIterator == nil {
		return missing("shardIterator")
	}
	limit := 0
	if in.Limit != nil {
		if limit = *in.Limit; limit == 0 {
			limit = -1 // refused; the engine's 0 means none was given
		}
	}
	if in.StreamARN != nil {
		name, err := kin.NameOfARN(*in.StreamARN)
		if err != nil {
			return err
		}
		if stream, _ := in.target(); stream != "" && stream != name {
			return &kin.Error{Code: "InvalidArgumentException", Message: "StreamARN and ShardIterator are of different streams."}
		}
	}
	p, err := a.Read(*in.ShardIterator, limit)
	if err != nil {
		return err
	}
	w.b = make([]byte, 0, pageSize(&p, w.cbor))
	w.object(func() {
		w.key("Records").list(len(p.Records), func(i int) {
			r := &p.Records[i]
			w.object(func() {
				w.key("SequenceNumber").sequence(p.Sequence(i))
				w.key("ApproximateArrivalTimestamp").time(r.At)
				w.key("Data").blob(r.Data)
				if r.Key != "" {
					w.key("PartitionKey").text(r.Key)
				}
			})
		})
		if p.Next != "" {
			w.key("NextShardIterator").text(p.Next)
		}
		w.key("MillisBehindLatest").int(p.Behind)
		if len(p.Children) > 0 {
			w.key("ChildShards").list(len(p.Children), func(i int) {
				c := p.Children[i]
				w.object(func() {
					w.key("ShardId").text(c.ID)
					w.key("ParentShards").texts(c.Parents)
					w.hashRange(c.First, c.Last)
				})
			})
		}
	})
	return nil
}

// pageSize is about how long the page's text will be.
func pageSize(p *kin.Page, cbor bool) int {
	n := 1024
	for i := range p.Records {
		r := &p.Records[i]
		size := len(r.Data)
		if !cbor {
			size = (size + 2) / 3 * 4
		}
		n += size + len(r.Key) + 180
	}
	return n
}
