package trust

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	bundlepb "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	commonpb "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	dssepb "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rootbuild/rootbuild/images/oci"
)

const (
	// bundleType is what sigstore calls a signature with all that is needed to
	// check it.
	bundleType    = "application/vnd.dev.sigstore.bundle.v0.3+json"
	bundleFamily  = "application/vnd.dev.sigstore.bundle."
	statementType = "application/vnd.in-toto+json"
)

// Statement is what a key says of an image.
type Statement struct {
	Image v1.Hash
	// Repository is the one that the image is meant for, HOST/REPOSITORY, or
	// empty.
	Repository string
	// PredicateType names what is said, Predicate says it.
	PredicateType string
	Predicate     map[string]any
	// Serial orders what is said of a repository's images.
	Serial uint64
}

// SignStatement signs an in-toto statement, in an envelope (DSSE) within a
// sigstore bundle, and returns what is to be attached to the image.
func SignStatement(k *PrivateKey, s Statement) (oci.Attachment, error) {
	a, err := signStatement(k, s)
	if err != nil {
		return oci.Attachment{}, fmt.Errorf("signing a statement of %s: %w", s.Image, err)
	}
	return a, nil
}

func signStatement(k *PrivateKey, s Statement) (oci.Attachment, error) {
	envelope, err := s.seal(k)
	if err != nil {
		return oci.Attachment{}, err
	}
	return s.bundle(k, envelope)
}

// seal puts the statement into an envelope, signed.
func (s Statement) seal(k *PrivateKey) (*dssepb.Envelope, error) {
	text, err := s.encode()
	if err != nil {
		return nil, err
	}
	signature, err := k.sign(dsse.PAE(statementType, text))
	return &dssepb.Envelope{
		PayloadType: statementType, Payload: text, Signatures: []*dssepb.Signature{{Sig: signature}},
	}, err
}

// bundle packs an envelope that a key sealed.
func (s Statement) bundle(k *PrivateKey, envelope *dssepb.Envelope) (oci.Attachment, error) {
	public, err := k.Public()
	if err != nil {
		return oci.Attachment{}, err
	}
	bundle, err := protojson.Marshal(&bundlepb.Bundle{
		MediaType: bundleType,
		VerificationMaterial: &bundlepb.VerificationMaterial{
			Content: &bundlepb.VerificationMaterial_PublicKey{PublicKey: &commonpb.PublicKeyIdentifier{Hint: public.ID()}},
		},
		Content: &bundlepb.Bundle_DsseEnvelope{DsseEnvelope: envelope},
	})
	return oci.Attachment{
		Type: bundleType,
		Annotations: map[string]string{
			"dev.sigstore.bundle.content":       "dsse-envelope",
			"dev.sigstore.bundle.predicateType": s.PredicateType,
		},
		Blobs: []oci.AttachedBlob{{MediaType: bundleType, Data: bundle}},
	}, err
}

func (s Statement) encode() ([]byte, error) {
	annotations, err := structpb.NewStruct(map[string]any{serialKey: strconv.FormatUint(s.Serial, 10)})
	if err != nil {
		return nil, err
	}
	predicate, err := structpb.NewStruct(s.Predicate)
	if err != nil {
		return nil, fmt.Errorf("encoding the predicate: %w", err)
	}
	return protojson.Marshal(&intoto.Statement{
		Type: intoto.StatementTypeUri,
		Subject: []*intoto.ResourceDescriptor{{
			Name: s.Repository, Digest: map[string]string{s.Image.Algorithm: s.Image.Hex}, Annotations: annotations,
		}},
		PredicateType: s.PredicateType,
		Predicate:     predicate,
	})
}

// lenient reads what a newer version of a format has more.
var lenient = protojson.UnmarshalOptions{DiscardUnknown: true}

// readBundle reads a bundle that holds a statement.
func readBundle(text []byte) (claim, error) {
	var b bundlepb.Bundle
	if err := lenient.Unmarshal(text, &b); err != nil {
		return claim{}, fmt.Errorf("it is no bundle: %w", err)
	}
	envelope := b.GetDsseEnvelope()
	if envelope == nil || envelope.GetPayloadType() != statementType || !strings.HasPrefix(b.GetMediaType(), bundleFamily) {
		return claim{}, errors.New("it is a bundle without a statement")
	}
	c, err := readStatement(envelope.GetPayload())
	c.signed = dsse.PAE(statementType, envelope.GetPayload())
	for _, s := range envelope.GetSignatures() {
		c.signatures = append(c.signatures, s.GetSig())
	}
	return c, err
}

// statementVersions differ in nothing that is read here. cosign 2 writes the
// first.
var statementVersions = []string{"https://in-toto.io/Statement/v0.1", intoto.StatementTypeUri}

func readStatement(text []byte) (claim, error) {
	var s intoto.Statement
	if err := lenient.Unmarshal(text, &s); err != nil {
		return claim{}, fmt.Errorf("its statement is not JSON: %w", err)
	}
	if !slices.Contains(statementVersions, s.GetType()) || len(s.GetSubject()) != 1 {
		return claim{}, fmt.Errorf("its statement, a %q, has %d subjects, want one", s.GetType(), len(s.GetSubject()))
	}
	subject := s.GetSubject()[0]
	h, err := v1.NewHash("sha256:" + subject.GetDigest()["sha256"])
	if err != nil {
		return claim{}, fmt.Errorf("its statement names no digest: %w", err)
	}
	serial, err := readSerial(subject.GetAnnotations().AsMap())
	return claim{image: h, repository: repositoryOf(subject.GetName()), predicate: s.GetPredicateType(), serial: serial}, err
}
