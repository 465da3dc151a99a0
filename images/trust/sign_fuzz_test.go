package trust_test

import (
	"testing"

	"github.com/rootbuild/rootbuild/images/imagetest"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/trust"
)

// Whatever a signature holds, it is no more than what the key signed: an image
// that only another key signed is not taken, and one that was signed keeps its
// serial.
func FuzzSignature(f *testing.F) {
	good, forged := newSigner(f, "good"), newSigner(f, "forged")
	l, h := imagetest.NodeImage(f, 1)
	good.sign(f, l, h, 7)
	forged.sign(f, l, h, 9)
	list, err := l.Attachments(h, "")
	if err != nil {
		f.Fatal(err)
	}
	for _, a := range list {
		b := a.Blobs[0]
		f.Add(b.MediaType, b.Annotations["dev.cosignproject.cosign/signature"], b.Data)
	}
	f.Add("application/vnd.dev.sigstore.bundle.v0.3+json", "", []byte(`{"dsseEnvelope":{}}`))
	f.Fuzz(func(t *testing.T, mediaType, signature string, data []byte) {
		v, err := trust.Judge(signedBy(1, good), h, oci.AttachedBlob{
			MediaType: mediaType, Data: data, Annotations: map[string]string{"dev.cosignproject.cosign/signature": signature},
		})
		if err == nil && v.Serial != 7 {
			t.Errorf("verdict %+v", v)
		}
	})
}
