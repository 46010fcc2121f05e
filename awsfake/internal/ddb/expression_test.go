package ddb

import (
	"encoding/json"
	"strings"
	"testing"
)

func item(t testing.TB, s string) (it Item) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &it); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return it
}

func text(t testing.TB, it Item) string {
	t.Helper()
	b, err := json.Marshal(it)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// thing is the item that conditions and updates are tried on.
const thing = `{
	"s": {"S": "hello"}, "n": {"N": "5"}, "b": {"B": "AQID"}, "yes": {"BOOL": true}, "nil": {"NULL": true},
	"ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]},
	"l": {"L": [{"N": "1"}, {"S": "two"}, {"M": {"x": {"N": "3"}}}]},
	"m": {"M": {"k": {"S": "v"}, "l": {"L": [{"N": "7"}]}}},
	"n2": {"N": "5.0"}, "name": {"S": "reserved"}
}`

const literals = `{
	":s": {"S": "hello"}, ":h": {"S": "hel"}, ":n": {"N": "5"}, ":1": {"N": "1"}, ":9": {"N": "9"}, ":a": {"S": "a"}, ":two": {"S": "two"},
	":S": {"S": "S"}, ":L": {"S": "L"}, ":X": {"S": "X"}, ":l": {"L": [{"N": "9"}]}, ":ss": {"SS": ["b", "a"]}, ":sc": {"SS": ["a", "c"]}, ":m": {"M": {"x": {"N": "3"}}}, ":b": {"B": "AQ=="}
}`

// testNames has placeholders for a few names.
func testNames(t *testing.T) *Names {
	return newNames(map[string]string{"#n": "name", "#m": "m", "#dot": "a.b", "#s": "s"}, item(t, literals))
}

func TestConditions(t *testing.T) {
	for src, want := range map[string]bool{
		"s = :s": true, "s = :h": false, "s <> :h": true, "n = :n": true, "n2 = :n": true, "n = n2": true, "n = :s": false, "n <> :s": true,
		"absent = :s": false, "absent <> :s": true, "absent < :n": false, "NOT absent = :s": true,
		"n > :1": true, "n < :9": true, "n <= :n": true, "n >= :n": true, "n > :n": false, "n < :s": false, "s > :a": true, ":9 > n": true,
		"n BETWEEN :1 AND :9": true, "n between :1 and :n": true, "n BETWEEN :9 AND :9": false, "absent BETWEEN :1 AND :9": false,
		"n IN (:1, :n)": true, "s IN (:h, :a)": false, "s in (:s)": true,
		"attribute_exists(s)": true, "attribute_exists(absent)": false, "attribute_exists(m.k)": true, "attribute_exists(m.z)": false,
		"attribute_exists(l[2].x)": true, "attribute_exists(l[3])": false, "attribute_exists(s.x)": false, "attribute_exists(m.l[0])": true,
		"attribute_not_exists(s)": false, "attribute_not_exists(absent)": true, "attribute_not_exists(l[9])": true,
		"attribute_type(s, :S)": true, "attribute_type(l, :L)": true, "attribute_type(n, :S)": false, "attribute_type(absent, :S)": false,
		"begins_with(s, :h)": true, "begins_with(s, :a)": false, "begins_with(n, :h)": false, "begins_with(b, :b)": true, "begins_with(absent, :h)": false,
		"contains(s, :h)": true, "contains(ss, :a)": true, "contains(ss, :s)": false, "contains(ns, :1)": true, "contains(l, :1)": true, "contains(l, :two)": true,
		"contains(l, :m)": true, "contains(l, :9)": false, "contains(n, :1)": false, "contains(absent, :1)": false,
		"size(s) = :n": true, "size(ss) > :1": true, "size(l) < :9": true, "size(m) > :1": true, "size(b) > :1": true, "size(n) > :1": false, "size(absent) < :9": false,
		"l[0] = :1": true, "l[1] = :two": true, "m.k = :s": false, "#m.l[0] > :n": true, "l[2] = :m": true,
		"#n <> :s": true, "#s = :s": true, "ss = :ss": true, "ss = :sc": false,
		"s = :s AND n = :n": true, "s = :h AND n = :n": false, "s = :h OR n = :n": true, "s = :h OR n = :9": false,
		"s = :h AND n = :n OR s = :s": true, "s = :s OR s = :h AND n = :9": true, "(s = :s OR s = :h) AND n = :9": false,
		"NOT s = :h AND n = :n": true, "NOT (s = :h AND n = :n)": true, "NOT NOT s = :s": true, "not (s = :s or n = :n)": false,
		"((s = :s) AND (n = :n))": true, "(s = :s)": true, "  s\t=\n:s ": true, "s=:s": true,
	} {
		c, err := parseCondition("ConditionExpression", src, testNames(t))
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got := c.holds(item(t, thing)); got != want {
			t.Errorf("%s: got %v, want %v", src, got, want)
		}
	}
}

func TestRefusedConditions(t *testing.T) {
	for src, want := range map[string]string{
		"":                                  "The expression can not be empty",
		" ":                                 "The expression can not be empty",
		"s":                                 `Syntax error; token: "<EOF>"`,
		"s = ":                              `Syntax error; token: "<EOF>", near: "= "`,
		"s = :s AND":                        `Syntax error; token: "<EOF>"`,
		"s == :s":                           `Syntax error; token: "=", near: "== :s"`,
		"s = :s n = :n":                     `Syntax error; token: "n", near: ":s n ="`,
		"(s = :s":                           `Syntax error; token: "<EOF>"`,
		"s = :s)":                           `Syntax error; token: ")"`,
		"s = 5":                             `Syntax error; token: "5"`,
		"s = 'x'":                           `Syntax error; token: "'"`,
		"s[x] = :s":                         `Syntax error; token: "x"`,
		"s. = :s":                           `Syntax error; token: "="`,
		"# = :s":                            `Syntax error; token: "#"`,
		"s = :zz":                           "value used in expression is not defined; attribute value: :zz",
		"#zz = :s":                          "name used in the document path is not defined; attribute name: #zz",
		"name = :s":                         "reserved keyword; reserved keyword: name",
		"m.Status = :s":                     "reserved keyword; reserved keyword: Status",
		"nothing(s)":                        "Invalid function name; function: nothing",
		"s = nothing(s)":                    "Invalid function name; function: nothing",
		"size(s)":                           "not allowed to be used this way in an expression; function: size",
		"s = if_not_exists(s, :s)":          "not allowed in a condition expression; function: if_not_exists",
		"begins_with(s)":                    "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1",
		"attribute_exists(s, n)":            "number of operands: 2",
		"attribute_exists(:s)":              "requires a document path; operator or function: attribute_exists",
		"begins_with(s, :n)":                "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
		"s > :ss":                           "operator or function: >, operand type: SS",
		"attribute_type(s, :X)":             "Invalid attribute type name found; type: X",
		"n BETWEEN :9 AND :1":               "upper bound to be greater than or equal to lower bound",
		"n BETWEEN :1 AND :s":               "same data type",
		"s = s":                             "must be distinct from the remaining operands for this operator or function; operator: =, first operand: [s]",
		"((s = :s))":                        "redundant parentheses",
		"s = :s AND ((n = :n))":             "redundant parentheses",
		strings.Repeat("(", 3000):           "Syntax error",
		"s = :" + strings.Repeat("s", 4096): "exceeded the maximum allowed size; expression size: 4101",
	} {
		_, err := parseCondition("ConditionExpression", src, testNames(t))
		if err == nil || err.Code != codeValidation || !strings.HasPrefix(err.Message, "Invalid ConditionExpression: ") || !strings.Contains(err.Message, want) {
			t.Errorf("%.60s: got %v, want %q", src, err, want)
		}
	}
}

func TestUpdates(t *testing.T) {
	for _, tt := range []struct{ name, old, src, want string }{
		{"set", `{}`, "SET a = :n", `{"a":{"N":"5"}}`},
		{"set by name", `{}`, "SET #dot = :n", `{"a.b":{"N":"5"}}`},
		{"sections in any order and case", `{"x":{"N":"1"}}`, "remove x set a = :n", `{"a":{"N":"5"}}`},
		{"plus", `{"a":{"N":"1.5"}}`, "SET a = a + :n", `{"a":{"N":"6.5"}}`},
		{"minus", `{"a":{"N":"1"}}`, "SET a = :n - a", `{"a":{"N":"4"}}`},
		{"the right side sees the old item", `{"a":{"N":"1"},"b":{"N":"2"}}`, "SET a = b, b = a", `{"a":{"N":"2"},"b":{"N":"1"}}`},
		{"if_not_exists, absent", `{}`, "SET a = if_not_exists(a, :n)", `{"a":{"N":"5"}}`},
		{"if_not_exists, there", `{"a":{"N":"1"}}`, "SET a = if_not_exists(a, :n)", `{"a":{"N":"1"}}`},
		{"counter from nothing", `{}`, "SET a = if_not_exists(a, :9) + :1", `{"a":{"N":"10"}}`},
		{"list_append", `{"l":{"L":[{"N":"1"}]}}`, "SET l = list_append(l, :l)", `{"l":{"L":[{"N":"1"},{"N":"9"}]}}`},
		{"list_append before", `{"l":{"L":[{"N":"1"}]}}`, "SET l = list_append(:l, l)", `{"l":{"L":[{"N":"9"},{"N":"1"}]}}`},
		{"list_append to nothing", `{}`, "SET l = list_append(if_not_exists(l, :l), :l)", `{"l":{"L":[{"N":"9"},{"N":"9"}]}}`},
		{"in a map", `{"m":{"M":{"a":{"N":"1"}}}}`, "SET m.b = :n REMOVE m.a", `{"m":{"M":{"b":{"N":"5"}}}}`},
		{"in a list", `{"l":{"L":[{"N":"1"},{"N":"2"}]}}`, "SET l[0] = :n", `{"l":{"L":[{"N":"5"},{"N":"2"}]}}`},
		{"past the end of a list", `{"l":{"L":[{"N":"1"}]}}`, "SET l[9] = :9, l[5] = :n", `{"l":{"L":[{"N":"1"},{"N":"5"},{"N":"9"}]}}`},
		{"remove from a list", `{"l":{"L":[{"N":"1"},{"N":"2"},{"N":"3"}]}}`, "REMOVE l[0], l[2]", `{"l":{"L":[{"N":"2"}]}}`},
		{"set and remove in a list", `{"l":{"L":[{"N":"1"},{"N":"2"}]}}`, "REMOVE l[0] SET l[1] = :n", `{"l":{"L":[{"N":"5"}]}}`},
		{"remove what is not there", `{"a":{"N":"1"},"l":{"L":[]}}`, "REMOVE b, l[4]", `{"a":{"N":"1"},"l":{"L":[]}}`},
		{"add to nothing", `{}`, "ADD a :n", `{"a":{"N":"5"}}`},
		{"add a number", `{"a":{"N":"-7"}}`, "ADD a :n", `{"a":{"N":"-2"}}`},
		{"add to a set", `{"s":{"SS":["b"]}}`, "ADD s :sc", `{"s":{"SS":["a","b","c"]}}`},
		{"delete from a set", `{"s":{"SS":["a","b"]}}`, "DELETE s :sc", `{"s":{"SS":["b"]}}`},
		{"delete the last of a set", `{"s":{"SS":["a"]}}`, "DELETE s :sc", `{}`},
		{"delete from no set", `{}`, "DELETE s :sc", `{}`},
		{"four sections", `{"r":{"N":"1"},"d":{"SS":["a","z"]}}`, "SET s = :s REMOVE r ADD n :1 DELETE d :ss", `{"d":{"SS":["z"]},"n":{"N":"1"},"s":{"S":"hello"}}`},
	} {
		u, err := parseUpdate(tt.src, testNames(t))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		old := item(t, tt.old)
		got, err := u.apply(old)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if text(t, got) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, text(t, got), tt.want)
		}
		if text(t, old) != text(t, item(t, tt.old)) {
			t.Errorf("%s: the old item changed to %s", tt.name, text(t, old))
		}
	}
}

func TestRefusedUpdates(t *testing.T) {
	for src, want := range map[string]string{
		"":                              "can not be empty",
		"SET":                           "Syntax error",
		"a = :n":                        `Syntax error; token: "a"`,
		"SET a = :n,":                   "Syntax error",
		"SET a = :n SET b = :n":         `The "SET" section can only be used once`,
		"SET a = :n, a = :1":            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
		"SET m.k = :n REMOVE m":         "path one: [m, k], path two: [m]",
		"SET m.k = :n REMOVE m[0]":      "Two document paths conflict with each other",
		"ADD a :s":                      "operator: ADD, operand type: STRING",
		"DELETE a :n":                   "operator: DELETE, operand type: NUMBER",
		"SET a = :s + :n":               "operator or function: +, operand type: S",
		"SET a = list_append(l, :n)":    "operator or function: list_append, operand type: N",
		"SET a = attribute_exists(s)":   "not allowed in an update expression",
		"SET a = if_not_exists(:n, :n)": "requires a document path",
		"SET a = absent":                "refers to an attribute that does not exist in the item",
		"SET a = s + :n":                "incorrect data type",
		"SET a = list_append(s, :l)":    "incorrect data type",
		"ADD s :n":                      "incorrect data type",
		"DELETE s :ss":                  "incorrect data type",
		"SET absent.x = :n":             "document path provided in the update expression is invalid for update",
		"SET s.x = :n":                  "document path provided in the update expression is invalid for update",
		"SET s[0] = :n":                 "document path provided in the update expression is invalid for update",
		"REMOVE absent.x":               "document path provided in the update expression is invalid for update",
		"SET size = :n":                 "reserved keyword",
	} {
		u, err := parseUpdate(src, testNames(t))
		if err == nil {
			_, err = u.apply(item(t, thing))
		}
		if err == nil || err.Code != codeValidation || !strings.Contains(err.Message, want) {
			t.Errorf("%s: got %v, want %q", src, err, want)
		}
	}
}

func TestProjections(t *testing.T) {
	for src, want := range map[string]string{
		"s":                   `{"s":{"S":"hello"}}`,
		"#n, s":               `{"name":{"S":"reserved"},"s":{"S":"hello"}}`,
		"absent":              `{}`,
		"m.k":                 `{"m":{"M":{"k":{"S":"v"}}}}`,
		"m.z":                 `{}`,
		"l[1], l[0]":          `{"l":{"L":[{"N":"1"},{"S":"two"}]}}`,
		"l[2].x, m.l[0], m.k": `{"l":{"L":[{"M":{"x":{"N":"3"}}}]},"m":{"M":{"k":{"S":"v"},"l":{"L":[{"N":"7"}]}}}}`,
	} {
		pr, err := parseProjection(src, testNames(t))
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got := text(t, pr.of(item(t, thing))); got != want {
			t.Errorf("%s: got %s, want %s", src, got, want)
		}
	}
	if _, err := parseProjection("m, m.k", testNames(t)); err == nil || !strings.Contains(err.Message, "overlap") {
		t.Errorf("m, m.k: got %v, want an overlap", err)
	}
}

func TestUnusedNames(t *testing.T) {
	for _, tt := range []struct{ src, want string }{
		{"#a = :a", ""},
		{"b = :a", "ExpressionAttributeNames unused in expressions: keys: {#a}"},
		{"#a = b", "ExpressionAttributeValues unused in expressions: keys: {:a}"},
	} {
		n := newNames(map[string]string{"#a": "x"}, item(t, `{":a": {"N": "1"}}`))
		if _, err := parseCondition("FilterExpression", tt.src, n); err != nil {
			t.Fatal(err)
		}
		err := n.check(&tt.src)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Message, tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.src, err, tt.want)
		}
	}
	src := "a = b"
	if err := newNames(map[string]string{}, nil).check(&src); err == nil {
		t.Error("empty ExpressionAttributeNames: got no error")
	}
	if err := newNames(map[string]string{"a": "b"}, nil).check(&src); err == nil || !strings.Contains(err.Message, "invalid key") {
		t.Errorf("name without #: got %v", err)
	}
}

func TestItemSize(t *testing.T) {
	for s, want := range map[string]int{
		`{}`:                             0,
		`{"ab": {"S": "é"}}`:             4,
		`{"a": {"N": "12345"}}`:          1 + 4,
		`{"a": {"N": "-12345"}}`:         1 + 5,
		`{"a": {"N": "100000"}}`:         1 + 2,
		`{"a": {"BOOL": false}}`:         2,
		`{"a": {"NULL": true}}`:          2,
		`{"a": {"B": "AQID"}}`:           4,
		`{"a": {"SS": ["x", "yy"]}}`:     4,
		`{"a": {"L": [{"S": "x"}]}}`:     1 + 3 + 2,
		`{"a": {"M": {"k": {"S": ""}}}}`: 1 + 3 + 2,
	} {
		if got := item(t, s).Size(); got != want {
			t.Errorf("%s: got %d bytes, want %d", s, got, want)
		}
	}
}
