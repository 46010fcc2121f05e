package ddb

import "testing"

func TestPackedItemIsTheSame(t *testing.T) {
	for _, s := range []string{
		thing, literals,
		`{"a": {"N": "0"}, "b": {"N": "-1.5E-100"}, "c": {"N": "9.9999999999999999999999999999999999999E+125"}, "d": {"S": ""}, "e": {"B": ""}, "f": {"L": []}, "g": {"M": {}}, "h": {"BS": ["AA==", "AQ=="]}, "i": {"BOOL": false}}`,
	} {
		it := item(t, s)
		r := &row{item: it, key: rowKey{part: "hello", srt: "none such"}}
		r.seal()
		if r.item != nil || r.key.part != "hello" || r.key.srt != "none such" {
			t.Errorf("sealed: got %+v", r)
		}
		if got, want := text(t, r.image()), text(t, it); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		if !(Value{Kind: kindM, Map: r.image()}).Equal(Value{Kind: kindM, Map: it}) {
			t.Errorf("%s is not equal to itself packed", s)
		}
	}
}
