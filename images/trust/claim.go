package trust

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/sigstore/pkg/signature/payload"
)

// serialKey is the annotation, inside what is signed, by which a signature has
// a serial.
const serialKey = "rootbuild.serial"

// signedPredicate is the predicate type by which cosign says in a statement
// that an image is signed, and no more.
const signedPredicate = "https://sigstore.dev/cosign/sign/v1"

// RebuiltPredicate is the predicate type of a statement that somebody built the
// image anew and got the same digest.
const RebuiltPredicate = "https://rootbuild.example.org/rebuilt/v1"

// claim is what a signature says, believed by nobody yet.
type claim struct {
	image      v1.Hash
	repository string // that the image was signed for; may be empty
	predicate  string
	serial     uint64 // 0 where there is none

	signed     []byte // what the signatures are over
	signatures [][]byte
}

// by says whether the claim is one of a key.
func (c claim) by(k PublicKey) bool {
	for _, s := range c.signatures {
		if k.verify(c.signed, s) {
			return true
		}
	}
	return false
}

// payload encodes the claim as the older form of signatures has it.
func (c claim) payload() ([]byte, error) {
	return json.Marshal(payload.SimpleContainerImage{
		Critical: payload.Critical{
			Identity: payload.Identity{DockerReference: c.repository},
			Image:    payload.Image{DockerManifestDigest: c.image.String()},
			Type:     payload.CosignSignatureType,
		},
		Optional: map[string]any{serialKey: strconv.FormatUint(c.serial, 10)},
	})
}

// readPayload reads the older form.
func readPayload(text []byte) (claim, error) {
	var p payload.SimpleContainerImage
	if err := json.Unmarshal(text, &p); err != nil {
		return claim{}, fmt.Errorf("its payload is not JSON: %w", err)
	}
	if p.Critical.Type != payload.CosignSignatureType {
		return claim{}, fmt.Errorf("its payload is of the type %q", p.Critical.Type)
	}
	h, err := v1.NewHash(p.Critical.Image.DockerManifestDigest)
	if err != nil {
		return claim{}, fmt.Errorf("its payload names no digest: %w", err)
	}
	serial, err := readSerial(p.Optional)
	c := claim{image: h, repository: repositoryOf(p.Critical.Identity.DockerReference), predicate: signedPredicate, serial: serial, signed: text}
	return c, err
}

// signedImage returns the image that a signature of the older form is of.
func signedImage(text []byte) (v1.Hash, error) {
	c, err := readPayload(text)
	return c.image, err
}

func readSerial(annotations map[string]any) (uint64, error) {
	value, ok := annotations[serialKey]
	if !ok {
		return 0, nil
	}
	text, ok := value.(string)
	if !ok {
		return 0, errors.New("its serial is no text")
	}
	serial, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("its serial %q is no number", text)
	}
	return serial, nil
}

// repositoryOf drops a tag or a digest, which some signers add.
func repositoryOf(identity string) string {
	ref, err := name.ParseReference(identity)
	if err != nil || identity == "" {
		return identity
	}
	return ref.Context().Name()
}
