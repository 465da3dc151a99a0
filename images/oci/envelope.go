package oci

import v1 "github.com/google/go-containerregistry/pkg/v1"

// The older form of statements: each is an envelope (DSSE). Registries keep those of an
// image under a tag, too.
const (
	// EnvelopeType is the media type of an envelope.
	EnvelopeType = "application/vnd.dsse.envelope.v1+json"
	// EnvelopeArtifact is the type of an attachment with such statements.
	EnvelopeArtifact = "application/vnd.dev.cosign.artifact.att.v1+json"
)

// NewEnvelope returns a statement of the older form as an attachment.
func NewEnvelope(envelope []byte, predicateType string) Attachment {
	return Attachment{
		Type: EnvelopeArtifact,
		Blobs: []AttachedBlob{{MediaType: EnvelopeType, Data: envelope, Annotations: map[string]string{
			SimpleSignature: "", // cosign wants it, and reads the envelope
			"predicateType": predicateType,
		}}},
	}
}

// IsEnvelope says whether a blob of a manifest is a statement of the older form.
func IsEnvelope(d v1.Descriptor) bool { return d.MediaType == EnvelopeType }
