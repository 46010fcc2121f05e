package ddb

import "testing"

// FuzzExpressions parses what nobody meant to write. What parses also works:
// a condition and its opposite are never both true, brackets change nothing,
// and an update leaves its item as it was and makes one that can be stored.
func FuzzExpressions(f *testing.F) {
	for _, s := range []string{
		"s = :s AND (n > :1 OR NOT contains(ss, :a))", "size(l[2].x) BETWEEN :1 AND :9", "n IN (:1, :n) AND attribute_type(s, :S)",
		"SET s = if_not_exists(#n, :s), l[1] = list_append(l, :l), n = n + :1 - :9 REMOVE m.k, l[0] ADD ns :n DELETE ss :ss",
		"s, #m.l[0], l[2].x", "#dot = :m", "((((s = :s))))", "NOT NOT s = :s", "a[99999999999999999999]", "", "s.", "#", "SET s = s s",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		names := newNames(map[string]string{"#n": "name", "#m": "m", "#dot": "a.b", "#s": "s"}, item(t, literals))
		it := item(t, thing)
		before := text(t, it)
		if c, err := parseCondition("ConditionExpression", src, names); err == nil {
			holds := c.holds(it)
			if not, err := parseCondition("ConditionExpression", "NOT ("+src+")", names); err == nil && not.holds(it) == holds {
				t.Errorf("%q and its opposite are both %v", src, holds)
			}
			c.holds(nil)
		}
		if u, err := parseUpdate(src, names); err == nil {
			if made, err := u.apply(it); err == nil {
				var again Item
				if e := again.UnmarshalJSON([]byte(text(t, made))); e != nil {
					t.Errorf("%q makes %s, which cannot be stored: %v", src, text(t, made), e)
				}
			}
		}
		if pr, err := parseProjection(src, names); err == nil {
			pr.of(it)
		}
		if after := text(t, it); after != before {
			t.Errorf("%q changed the item from %s to %s", src, before, after)
		}
	})
}
