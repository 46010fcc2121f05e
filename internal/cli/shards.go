package cli

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leasehold/leasehold/lease"
	"github.com/leasehold/leasehold/stream"
)

func (p *program) shardsCommand() *cobra.Command {
	return group("shards", "What a stream looks like", p.shardsListCommand())
}

// shardObject is a shard as JSON.
type shardObject struct {
	head
	Shard         string      `json:"shard"`
	Parents       []string    `json:"parents"`
	Children      []string    `json:"children"`
	Hash          []string    `json:"hash"`
	FirstSequence *string     `json:"first_sequence"`
	LastSequence  *string     `json:"last_sequence"`
	Open          bool        `json:"open"`
	LeaseState    *leaseState `json:"lease_state"`
}

func (p *program) shardsListCommand() *cobra.Command {
	var tables tableFlags
	c := &cobra.Command{
		Use:   "list STREAM",
		Short: "The shards of a stream, children under their parents",
		Long: `The shards of a stream, children under their parents. A shard that two were
merged into is drawn under one of them and names both.

With --app each shard has the state of its lease, as far as one look can tell.

A stream is given by name or ARN.`,
		Example: `  leasehold shards list orders --local
  leasehold shards list orders -a orders-app`,
		Args: count(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := p.streamToRead(cmd, args)
			if err != nil {
				return err
			}
			if p.flags.app == "" && tables.single {
				return usage("--%s is for an application, and none is named", singleTable).hinted("--app NAME")
			}
			return p.listShards(cmd.Context(), ref, tables)
		},
	}
	tables.addLook(c, "with --app: ")
	return c
}

// listShards prints the shards of a stream.
func (p *program) listShards(ctx context.Context, ref streamRef, tables tableFlags) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	source, shards, err := p.openStream(ctx, ref)
	if err != nil {
		return err
	}
	states := map[string]leaseState{}
	if p.flags.app != "" {
		_, views, err := p.seeLeases(ctx, source, shards, tables, 0)
		if err != nil {
			return err
		}
		for _, v := range views {
			// A table of several streams names the stream with each lease, as
			// account:name:created.
			if v.stream == ref.name || strings.Contains(v.stream, ":"+ref.name+":") {
				states[v.shard] = v.state
			}
		}
	}
	tree := newShardTree(shards)
	if j, ok := p.asJSON(); ok {
		for _, s := range shards {
			if err := j.object(tree.object(s, states)); err != nil {
				return err
			}
		}
		return j.close()
	}
	t := table{header: []string{"SHARD", "RANGE", "SHARE", "STATE"}}
	if p.flags.app != "" {
		t.header = append(t.header, "LEASE")
	}
	tree.walk(p.stdout, func(label string, s stream.Shard) {
		row := []cell{{text: label}, {text: rangeText(s.HashRange, p.stdout)}, {text: shareText(s.HashRange)}, {text: "open"}}
		if s.Closed {
			row[3] = cell{"closed", "dim"}
		}
		if p.flags.app != "" {
			state := cell{}
			if st, ok := states[s.ID]; ok {
				state = st.cell(p.stdout)
			}
			row = append(row, state)
		}
		t.rows = append(t.rows, row)
	})
	return t.print(p.stdout)
}

// A shardTree draws the lineage of shards.
type shardTree struct {
	byID map[string]stream.Shard
	// children are all of a shard's; drawn are those drawn under it: every shard
	// is drawn once.
	children, drawn map[string][]string
	roots           []string
}

func newShardTree(shards []stream.Shard) *shardTree {
	t := &shardTree{byID: map[string]stream.Shard{}, children: map[string][]string{}, drawn: map[string][]string{}}
	for _, s := range shards {
		t.byID[s.ID] = s
	}
	for _, s := range shards {
		under := ""
		for _, parent := range s.Parents {
			t.children[parent] = append(t.children[parent], s.ID)
			if _, ok := t.byID[parent]; ok && under == "" {
				under = parent
			}
		}
		if under == "" {
			t.roots = append(t.roots, s.ID)
		} else {
			t.drawn[under] = append(t.drawn[under], s.ID)
		}
	}
	slices.Sort(t.roots)
	for _, m := range []map[string][]string{t.children, t.drawn} {
		for _, ids := range m {
			slices.Sort(ids)
		}
	}
	return t
}

// object is a shard as JSON.
func (t *shardTree) object(s stream.Shard, states map[string]leaseState) shardObject {
	o := shardObject{
		head:          kind("shard"),
		Shard:         s.ID,
		Parents:       list(s.Parents),
		Children:      list(t.children[s.ID]),
		Hash:          hashPair(s.HashRange),
		FirstSequence: new(s.First.String()),
		Open:          !s.Closed,
	}
	if s.Closed {
		o.LastSequence = new(s.Last.String())
	}
	if st, ok := states[s.ID]; ok {
		o.LeaseState = &st
	}
	return o
}

// walk visits the shards from the roots down, each with its drawing.
func (t *shardTree) walk(on *screen, visit func(label string, s stream.Shard)) {
	fork, last := on.glyph("├─ ", "|- "), on.glyph("└─ ", "`- ")
	bar := on.glyph("│  ", "|  ")
	var down func(id, here, below string)
	down = func(id, here, below string) {
		s := t.byID[id]
		label := here + shortShard(id)
		if len(s.Parents) > 1 {
			var names []string
			for _, parent := range s.Parents {
				names = append(names, shortShard(parent))
			}
			label += " (" + strings.Join(names, "+") + ")"
		}
		visit(label, s)
		kids := t.drawn[id]
		for i, kid := range kids {
			if i == len(kids)-1 {
				down(kid, below+last, below+"   ")
			} else {
				down(kid, below+fork, below+bar)
			}
		}
	}
	for _, id := range t.roots {
		down(id, "", "")
	}
}

// hashKeys is the number of hash keys there are: 2^128.
var hashKeys = new(big.Int).Lsh(big.NewInt(1), 128)

// rangeText shows the first hexadecimal digits of both ends of a range.
func rangeText(r lease.HashRange, on *screen) string {
	more := on.glyph("…", "..")
	ends := make([]string, 2)
	for i, s := range []string{r.Start, r.End} {
		n, ok := new(big.Int).SetString(s, 10)
		if !ok || n.Sign() < 0 || n.Cmp(hashKeys) >= 0 {
			return ""
		}
		ends[i] = fmt.Sprintf("%032x", n)[:2] + more
	}
	return ends[0] + on.glyph("–", "-") + ends[1]
}

// shareText is the part of all hash keys that a range has, in whole percent.
func shareText(r lease.HashRange) string {
	start, ok1 := new(big.Int).SetString(r.Start, 10)
	end, ok2 := new(big.Int).SetString(r.End, 10)
	if !ok1 || !ok2 {
		return ""
	}
	n := end.Sub(end, start)
	n.Add(n, big.NewInt(1)).Mul(n, big.NewInt(1000)).Div(n, hashKeys)
	percent := float64(n.Int64()) / 10
	if percent < 1 {
		return fmt.Sprintf("%.1f %%", percent)
	}
	return fmt.Sprintf("%.0f %%", percent)
}
