package trust_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootbuild/rootbuild/images/trust"
)

func publicKey(t testing.TB) string {
	t.Helper()
	_, public, err := trust.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(public)
}

func TestParsePolicy(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "b.pub"), []byte(publicKey(t)), 0o644); err != nil {
		t.Fatal(err)
	}
	inline := "    " + strings.ReplaceAll(strings.TrimSpace(publicKey(t)), "\n", "\n      ")
	p, err := trust.ParsePolicy(filepath.Join(dir, "policy.yaml"), []byte(`rules:
  - references: [example.org/roots/, oci-archive:]
    signatures: {need: 2, of: [a, b]}
    rebuilt: {of: [b]}
    repositories: [example.org/staging/site]
  - {references: [example.org:5000/scratch/site], unsigned: true}
keys:
  - name: a
    pem: |
  `+inline+`
  - {name: b, file: b.pub, expires: 2027-01-31}
default:
  signatures: {of: [a]}
`))
	if err != nil {
		t.Fatal(err)
	}
	first := p.Rules[0]
	switch {
	case len(p.Rules) != 2 || first.Signatures.Need != 2 || len(first.Signatures.Of) != 2 || first.Rebuilt.Need != 1:
		t.Errorf("rules %+v", p.Rules)
	case first.Rebuilt.Of[0].Expires.Format("2006-01-02") != "2027-01-31":
		t.Errorf("key b expires %s", first.Rebuilt.Of[0].Expires)
	case !p.Rules[1].Unsigned || p.Default.Signatures.Need != 1 || p.Default.Signatures.Of[0].Name != "a":
		t.Errorf("rules %+v, default %+v", p.Rules, p.Default)
	}
}

// Every fault is told, with its line.
func TestParsePolicyFaults(t *testing.T) {
	text := `keys:
  - {name: a, file: nowhere.pub}
  - {name: a, pem: x}
  - {name: c, pem: x}
  - {name: d}
  - {file: x}
rules:
  - references: [example.org/a:1, "*", uclibc]
    signatures: {need: 2, of: [a]}
  - {signatures: {of: [nobody]}}
  - {references: [example.org/a], unsigned: true, rebuilt: {of: [a]}}
  - {references: [example.org/a]}
  - {references: [example.org/a], signatures: {need: 0, of: [a]}}
  - {references: [example.org/a], signature: {of: [a]}}
default: {references: [example.org/a], unsigned: true}
`
	_, err := trust.ParsePolicy("p.yaml", []byte(text))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`p.yaml:2: key "a": open nowhere.pub: no such file or directory`,
		`p.yaml:3: key "a" is there already`,
		`p.yaml:4: key "c": it is no public key`,
		`p.yaml:5: key "d": want file or pem, one of them`,
		`p.yaml:6: key "name" is missing`,
		`p.yaml:8: references: want HOST/REPOSITORY`,
		`p.yaml:9: need: 2 of 1 keys cannot be had`,
		`p.yaml:10: key "references" is missing`,
		`p.yaml:10: key "nobody" is not among the keys`,
		`p.yaml:11: want either unsigned: true, or signatures and rebuilt`,
		`p.yaml:12: want either unsigned: true`,
		`p.yaml:13: need: 0 of 1 keys cannot be had`,
		`p.yaml:14: unknown key "signature"; did you mean "signatures"?`,
		`p.yaml:15: unknown key "references"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "p.yaml:8: "); n != 3 {
		t.Errorf("%d faults in line 8, want 3:\n%v", n, err)
	}
}

// One key under two names would make two of one.
func TestParsePolicySameKeyTwice(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.pub"), []byte(publicKey(t)), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := trust.ParsePolicy(filepath.Join(dir, "p.yaml"), []byte("keys:\n  - {name: a, file: a.pub}\n  - {name: b, file: a.pub}\n"))
	if err == nil || !strings.Contains(err.Error(), `p.yaml:3: key "b" is the same as key "a"`) {
		t.Errorf("error %v", err)
	}
}

// Whatever the file holds, the policy is an error or asks for something that
// can be had.
func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte("default: {unsigned: true}\n"))
	f.Add([]byte("keys:\n  - {name: a, pem: \"" + strings.ReplaceAll(publicKey(f), "\n", `\n`) + "\"}\ndefault: {signatures: {of: [a]}}\n"))
	f.Add([]byte("rules:\n  - references: [oci:]\n    signatures: {need: 1, of: []}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := trust.ParsePolicy("p.yaml", text)
		if err != nil {
			return
		}
		for _, r := range p.Rules {
			if !r.Unsigned && r.Signatures.Need+r.Rebuilt.Need == 0 || len(r.References) == 0 {
				t.Errorf("rule %+v", r)
			}
			for _, q := range []trust.Quorum{r.Signatures, r.Rebuilt} {
				if q.Need > len(q.Of) || q.Need < 0 {
					t.Errorf("quorum %+v", q)
				}
			}
		}
	})
}
