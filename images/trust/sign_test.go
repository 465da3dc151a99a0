package trust_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
)

// signer is a key pair of a test.
type signer struct {
	private *trust.PrivateKey
	public  trust.PublicKey
}

func newSigner(t testing.TB, name string) signer {
	t.Helper()
	private, public, err := trust.GenerateKey([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	var s signer
	if s.private, err = trust.ParsePrivateKey(private, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if s.public, err = trust.ParsePublicKey(public); err != nil {
		t.Fatal(err)
	}
	s.public.Name = name
	return s
}

func (s signer) sign(t testing.TB, l *oci.Layout, h v1.Hash, serial uint64) {
	t.Helper()
	if err := trust.Sign(l, h, trust.SignOptions{Key: s.private, Serial: serial}); err != nil {
		t.Fatal(err)
	}
}

func (s signer) rebuilt(t testing.TB, l *oci.Layout, h v1.Hash) {
	t.Helper()
	a, err := trust.SignStatement(s.private, trust.Statement{Image: h, PredicateType: trust.RebuiltPredicate, Predicate: map[string]any{"by": s.public.Name}})
	if err != nil {
		t.Fatal(err)
	}
	imagetest.Attach(t, l, h, a)
}

// quorum asks for some of the keys.
func quorum(need int, of ...signer) trust.Quorum {
	q := trust.Quorum{Need: need}
	for _, s := range of {
		q.Of = append(q.Of, s.public)
	}
	return q
}

func signedBy(need int, of ...signer) trust.Policy {
	return trust.Policy{Name: "test", Default: trust.Rule{Signatures: quorum(need, of...)}}
}

// judge asks a policy about an image of a layout.
func judge(t testing.TB, l *oci.Layout, h v1.Hash, p trust.Policy) (trust.Verdict, error) {
	t.Helper()
	s, err := oci.OpenLocal(l.Reference(h))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return p.Judge(t.Context(), s, h)
}

func TestParseKeys(t *testing.T) {
	private, public, err := trust.GenerateKey([]byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := trust.ParsePrivateKey(private, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := key.Public()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := trust.ParsePublicKey(public); err != nil || got.ID() != want.ID() {
		t.Errorf("public key %s, %v, want %s", got.ID(), err, want.ID())
	}
	_, err = trust.ParsePrivateKey(private, []byte("other"))
	imagetest.WantError(t, err, "is the password right?")
	_, err = trust.ParsePrivateKey(public, []byte("secret"))
	imagetest.WantError(t, err, "no encrypted private key")
	_, err = trust.ParsePublicKey(private)
	imagetest.WantError(t, err, "no public key")
}

// What signatures an image has decides what a policy makes of it.
func TestPolicy(t *testing.T) {
	a, b, c := newSigner(t, "a"), newSigner(t, "b"), newSigner(t, "c")
	late := a
	late.public.Expires = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	_, otherH := imagetest.NodeImage(t, 2)
	for _, tt := range []struct {
		name   string
		sign   func(t *testing.T, l *oci.Layout, h v1.Hash)
		policy trust.Policy
		err    string
		serial uint64
	}{
		{"zero policy", func(t *testing.T, l *oci.Layout, h v1.Hash) { a.sign(t, l, h, 1) }, trust.Policy{}, "no rule for this reference", 0},
		{"unsigned", func(*testing.T, *oci.Layout, v1.Hash) {}, trust.Unverified, "", 0},
		{"unsigned where one is needed", func(*testing.T, *oci.Layout, v1.Hash) {}, signedBy(1, a), "it needs a signature of 1 of the keys a, and has 0; missing: a", 0},
		{"signed", func(t *testing.T, l *oci.Layout, h v1.Hash) { a.sign(t, l, h, 7) }, signedBy(1, a), "", 7},
		{"of another key", func(t *testing.T, l *oci.Layout, h v1.Hash) { b.sign(t, l, h, 1) }, signedBy(1, a), "missing: a\n    a signature is of no key that counts", 0},
		{"two of three", func(t *testing.T, l *oci.Layout, h v1.Hash) {
			a.sign(t, l, h, 3)
			c.sign(t, l, h, 2)
		}, signedBy(2, a, b, c), "", 2},
		{"one key twice", func(t *testing.T, l *oci.Layout, h v1.Hash) {
			a.sign(t, l, h, 1)
			a.sign(t, l, h, 2)
		}, signedBy(2, a, b, c), "of 2 of the keys a, b, c, and has 1; missing: b, c", 0},
		{"few keys raise no serial", func(t *testing.T, l *oci.Layout, h v1.Hash) {
			a.sign(t, l, h, 1)
			b.sign(t, l, h, 2)
			c.sign(t, l, h, 1000)
		}, signedBy(2, a, b, c), "", 2},
		{"expired key", func(t *testing.T, l *oci.Layout, h v1.Hash) { a.sign(t, l, h, 1) }, signedBy(1, late), "the key expired on 2020-01-01", 0},
		{"for another image", func(t *testing.T, l *oci.Layout, h v1.Hash) {
			elsewhere, _ := imagetest.NodeImage(t, 2)
			a.sign(t, elsewhere, otherH, 1)
			moved, err := elsewhere.Attachments(otherH, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range moved {
				imagetest.Attach(t, l, h, m)
			}
		}, signedBy(1, a), "a signature of key a is for another image, " + otherH.String(), 0},
		{"rebuilt is no signature", func(t *testing.T, l *oci.Layout, h v1.Hash) { a.rebuilt(t, l, h) }, signedBy(1, a), "missing: a", 0},
		{"rebuilt", func(t *testing.T, l *oci.Layout, h v1.Hash) { a.rebuilt(t, l, h) },
			trust.Policy{Default: trust.Rule{Rebuilt: quorum(1, a)}}, "", 0},
		{"signed and not rebuilt", func(t *testing.T, l *oci.Layout, h v1.Hash) { a.sign(t, l, h, 1) },
			trust.Policy{Default: trust.Rule{Signatures: quorum(1, a), Rebuilt: quorum(1, b)}}, "it needs a statement of a rebuild of 1 of the keys b, and has 0; missing: b", 0},
		{"not a signature", func(t *testing.T, l *oci.Layout, h v1.Hash) {
			imagetest.Attach(t, l, h, oci.Attachment{Type: "application/vnd.dev.sigstore.bundle.v0.3+json", Blobs: []oci.AttachedBlob{{MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json", Data: []byte("{")}}})
		}, signedBy(1, a), "a signature cannot be read: it is no bundle", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, h := imagetest.NodeImage(t, 1)
			tt.sign(t, l, h)
			got, err := judge(t, l, h, tt.policy)
			imagetest.WantError(t, err, tt.err)
			if got.Serial != tt.serial {
				t.Errorf("serial %d, want %d", got.Serial, tt.serial)
			}
		})
	}
}

// What was changed after it was signed counts for nothing, in either form.
func TestTamperedSignature(t *testing.T) {
	a := newSigner(t, "a")
	from, h := imagetest.NodeImage(t, 1)
	a.sign(t, from, h, 1)
	list, err := from.Attachments(h, "")
	if err != nil || len(list) != 2 {
		t.Fatalf("%d attachments, %v, want 2", len(list), err)
	}
	for _, m := range list {
		whole, _ := imagetest.NodeImage(t, 1)
		imagetest.Attach(t, whole, h, m)
		_, err := judge(t, whole, h, signedBy(1, a))
		imagetest.WantError(t, err, "")
		for at := range m.Blobs[0].Data {
			if at%97 != 0 {
				continue
			}
			l, _ := imagetest.NodeImage(t, 1)
			bad := m
			bad.Blobs = slices.Clone(m.Blobs)
			bad.Blobs[0].Data = bytes.Clone(m.Blobs[0].Data)
			bad.Blobs[0].Data[at] ^= 1
			imagetest.Attach(t, l, h, bad)
			if v, err := judge(t, l, h, signedBy(1, a)); err == nil && v.Serial != 1 {
				t.Errorf("%s with byte %d changed has serial %d", m.Type, at, v.Serial)
			} else if err == nil && m.Type != "application/vnd.dev.sigstore.bundle.v0.3+json" {
				t.Errorf("%s with byte %d changed holds", m.Type, at)
			}
		}
	}
}

// The first rule that names a reference is the one.
func TestPolicyRules(t *testing.T) {
	a, b := newSigner(t, "a"), newSigner(t, "b")
	l, h := imagetest.NodeImage(t, 1)
	a.sign(t, l, h, 1)
	needs := func(s signer) trust.Rule { return trust.Rule{Signatures: quorum(1, s)} }
	for _, tt := range []struct {
		references []string
		fits       bool
	}{
		{[]string{"oci:"}, true},
		{[]string{"oci:" + l.Dir()}, true},
		{[]string{"example.org/", "oci:"}, true},
		{[]string{"oci-archive:"}, false},
		{[]string{"oci:/elsewhere/"}, false},
		{[]string{"example.org/"}, false},
		{nil, false},
	} {
		rule := needs(a)
		rule.References = tt.references
		p := trust.Policy{Name: "test", Rules: []trust.Rule{rule}, Default: needs(b)}
		_, err := judge(t, l, h, p)
		if fits := err == nil; fits != tt.fits {
			t.Errorf("%q: %v", tt.references, err)
		}
	}
}

// Many signatures are an error and not a long wait.
func TestTooManySignatures(t *testing.T) {
	l, h := imagetest.NodeImage(t, 1)
	blob := oci.AttachedBlob{MediaType: "text/plain", Data: []byte("x")}
	many := oci.Attachment{Type: "application/vnd.dev.cosign.artifact.sig.v1+json"}
	for i := range 1001 {
		blob.Annotations = map[string]string{"n": fmt.Sprint(i)}
		many.Blobs = append(many.Blobs, blob)
	}
	imagetest.Attach(t, l, h, many)
	_, err := judge(t, l, h, signedBy(1, newSigner(t, "a")))
	imagetest.WantError(t, err, "more than 1000 signatures")
}
