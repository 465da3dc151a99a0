package trust

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	provenance "github.com/in-toto/attestation/go/predicates/provenance/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	dssepb "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rootbuild/rootbuild/images/oci"
)

// ProvenancePredicate is the predicate type of a statement that says how an image was
// built: SLSA's, version 1. It is no signature of the image.
const ProvenancePredicate = "https://slsa.dev/provenance/v1"

// EncodeProvenance encodes what a build says of its image, as a statement that nobody
// signed.
func EncodeProvenance(image v1.Hash, p *provenance.Provenance) ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("internal error: provenance of %s: %w", image, err)
	}
	text, err := protojson.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encoding provenance of %s: %w", image, err)
	}
	s := &intoto.Statement{
		Type:          intoto.StatementTypeUri,
		Subject:       []*intoto.ResourceDescriptor{{Digest: map[string]string{image.Algorithm: image.Hex}}},
		PredicateType: ProvenancePredicate,
		Predicate:     &structpb.Struct{},
	}
	if err := protojson.Unmarshal(text, s.Predicate); err != nil {
		return nil, fmt.Errorf("encoding provenance of %s: %w", image, err)
	}
	if text, err = protojson.Marshal(s); err != nil {
		return nil, fmt.Errorf("encoding provenance of %s: %w", image, err)
	}
	// protojson's spaces differ from one program to the next.
	var b bytes.Buffer
	err = json.Indent(&b, append(text, '\n'), "", "  ")
	return b.Bytes(), err
}

// IsProvenance says whether an attachment is a statement that nobody signed, of how
// the image was built.
func IsProvenance(a oci.Attachment, image v1.Hash) bool {
	if len(a.Blobs) == 0 {
		return false
	}
	_, err := readProvenance(a.Blobs[0].Data, image)
	return err == nil
}

// readProvenance returns the predicate of a statement that nobody signed.
func readProvenance(text []byte, image v1.Hash) (map[string]any, error) {
	c, err := readStatement(text)
	switch {
	case err != nil:
		return nil, err
	case c.predicate != ProvenancePredicate:
		return nil, fmt.Errorf("it says something else: %.80q, and not %s", c.predicate, ProvenancePredicate)
	case c.image != image:
		return nil, fmt.Errorf("it is of another image, %s", c.image)
	}
	var s intoto.Statement
	if err := lenient.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	return s.GetPredicate().AsMap(), nil
}

// provenance signs what there is to say of how an image was built, in both forms that
// cosign has, and returns what is to be attached.
func (o SignOptions) provenance(h v1.Hash) ([]oci.Attachment, error) {
	if o.Provenance == nil {
		return nil, nil
	}
	text, err := o.Provenance(h)
	if text == nil || err != nil {
		return nil, err
	}
	predicate, err := readProvenance(text, h)
	if err != nil {
		return nil, fmt.Errorf("reading its provenance: %w", err)
	}
	s := Statement{Image: h, Repository: o.Repository, PredicateType: ProvenancePredicate, Predicate: predicate, Serial: o.Serial}
	signed, err := s.seal(o.Key)
	if err != nil {
		return nil, err
	}
	bundle, err := s.bundle(o.Key, signed)
	if err != nil {
		return nil, err
	}
	older, err := encodeEnvelope(signed)
	return []oci.Attachment{bundle, oci.NewEnvelope(older, ProvenancePredicate)}, err
}

// encodeEnvelope writes an envelope as it is outside of a bundle.
func encodeEnvelope(e *dssepb.Envelope) ([]byte, error) {
	out := dsse.Envelope{PayloadType: e.GetPayloadType(), Payload: base64.StdEncoding.EncodeToString(e.GetPayload())}
	for _, s := range e.GetSignatures() {
		out.Signatures = append(out.Signatures, dsse.Signature{Sig: base64.StdEncoding.EncodeToString(s.GetSig())})
	}
	if len(out.Signatures) == 0 {
		return nil, errors.New("internal error: an envelope without a signature")
	}
	return json.Marshal(out)
}
