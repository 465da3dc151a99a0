package oci

import (
	"context"
	"errors"
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Limits of what is attached to an image. All of it is small text, and a
// registry's other writers may attach what they like.
const (
	maxAttachments = 100       // of one image
	maxAttachment  = 32 << 20  // the blobs of one, in bytes
	maxTaken       = 128 << 20 // all that a pull takes along, and all that is read at once, in bytes
	maxType        = 255       // its type, which comes into the layout's index: RFC 6838
)

// Attachment is an artifact that says something of an image: its SBOM, the list
// of its sources, its definition, a signature. It refers to the image and lies
// beside it, so the image's digest does not change by it.
type Attachment struct {
	// Type is a media type: what the attachment is.
	Type        string
	Annotations map[string]string
	Blobs       []AttachedBlob
}

// AttachedBlob is a file of an attachment.
type AttachedBlob struct {
	MediaType string
	// Title is the file's name; it may be empty.
	Title       string
	Annotations map[string]string
	Data        []byte
}

// Attach keeps an attachment of an image that is in the layout, and returns the
// digest of its manifest. What is attached already is not attached again.
func (l *Layout) Attach(subject v1.Hash, a Attachment) (v1.Hash, error) {
	h, err := l.attach(subject, a)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("attaching %s to image %s in %s: %w", a.Type, subject, l.dir, err)
	}
	return h, nil
}

func (l *Layout) attach(subject v1.Hash, a Attachment) (v1.Hash, error) {
	image, err := l.readBlob(subject)
	if errors.Is(err, os.ErrNotExist) {
		return v1.Hash{}, errors.New("the image is not there")
	}
	if err != nil {
		return v1.Hash{}, err
	}
	packed, blobs, err := a.Pack(image)
	if err != nil {
		return v1.Hash{}, err
	}
	for _, d := range packed.Blobs() {
		if _, err := l.writeBlob(blobs[d.Digest]); err != nil {
			return v1.Hash{}, err
		}
	}
	if _, err := l.writeBlob(packed.Raw); err != nil {
		return v1.Hash{}, err
	}
	return packed.Desc.Digest, l.record(packed.Desc, "")
}

// Attachments returns what is attached to an image of the layout, in the order
// of digests: all of it, or what is of one type. Nobody vouches for it.
func (l *Layout) Attachments(subject v1.Hash, artifactType string) ([]Attachment, error) {
	at := l.Reference(subject)
	list, err := l.attachments(at, subject, artifactType)
	if err != nil {
		return nil, fmt.Errorf("reading what is attached to image %s in %s: %w", subject, at, err)
	}
	return list, nil
}

func (l *Layout) attachments(at Reference, subject v1.Hash, artifactType string) (_ []Attachment, err error) {
	s, err := OpenLocal(at)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return Load(context.Background(), s, subject, OfType(artifactType))
}

// OfType wants what is of one type, or with "" anything.
func OfType(artifactType string) func(string) bool {
	return func(t string) bool { return artifactType == "" || t == artifactType }
}

// Load returns what is attached to an image, with its content.
func Load(ctx context.Context, s Source, subject v1.Hash, wanted func(artifactType string) bool) ([]Attachment, error) {
	found, err := Artifacts(ctx, s, subject, wanted)
	if err != nil {
		return nil, err
	}
	if err := checkSum(found); err != nil {
		return nil, err
	}
	var list []Attachment
	for _, f := range found {
		a, err := f.Load(ctx, s)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}
