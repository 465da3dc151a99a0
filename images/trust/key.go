// Package trust says who vouches for an image: keys, what they sign, and the policy
// that an image has to meet.
//
// A signature is read from an oci.Source and believed by nobody. It becomes a claim;
// a policy counts the claims whose keys it names, and gives a verdict.
package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// The kinds of PEM block that hold a private key as cosign keeps it: PKCS #8,
// encrypted with a password by scrypt and secretbox.
var privateBlocks = []string{"ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"}

// PrivateKey signs images. It is an ECDSA key of the curve P-256.
type PrivateKey struct{ key *ecdsa.PrivateKey }

// PublicKey checks what a PrivateKey signed.
type PublicKey struct {
	// Name is what a policy calls the key.
	Name string
	// Expires is when signatures of the key cease to count. The zero value
	// stands for never.
	Expires time.Time

	key *ecdsa.PublicKey
	id  string
}

// GenerateKey returns a new key pair in PEM, the private key encrypted with a
// password, as cosign reads them.
func GenerateKey(password []byte) (private, public []byte, err error) {
	private, public, err = generateKey(password)
	if err != nil {
		return nil, nil, fmt.Errorf("generating key: %w", err)
	}
	return private, public, nil
}

func generateKey(password []byte) (private, public []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	sealed, err := encrypted.Encrypt(der, password)
	if err != nil {
		return nil, nil, err
	}
	public, err = cryptoutils.MarshalPublicKeyToPEM(key.Public())
	return pem.EncodeToMemory(&pem.Block{Type: privateBlocks[0], Bytes: sealed}), public, err
}

// ParsePrivateKey reads a private key in PEM and decrypts it.
func ParsePrivateKey(text, password []byte) (*PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || !slices.Contains(privateBlocks, block.Type) {
		return nil, errors.New("it is no encrypted private key as rootbuild keygen and cosign write it")
	}
	der, err := encrypted.Decrypt(block.Bytes, password)
	if err != nil {
		return nil, fmt.Errorf("decrypting it: %w: is the password right?", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("it is no ECDSA key of the curve P-256")
	}
	return &PrivateKey{key}, nil
}

// ParsePublicKey reads a public key in PEM.
func ParsePublicKey(text []byte) (PublicKey, error) {
	parsed, err := cryptoutils.UnmarshalPEMToPublicKey(text)
	if err != nil {
		return PublicKey{}, fmt.Errorf("it is no public key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return PublicKey{}, errors.New("it is no ECDSA key of the curve P-256")
	}
	id, err := keyID(key)
	return PublicKey{key: key, id: id}, err
}

// ID names a key by its bytes: base64 of the sha256 of its DER form.
func (k PublicKey) ID() string { return k.id }

// expired says whether signatures of the key ceased to count.
func (k PublicKey) expired() bool { return !k.Expires.IsZero() && time.Now().After(k.Expires) }

// Public returns what checks the signatures of the key.
func (k *PrivateKey) Public() (PublicKey, error) {
	id, err := keyID(&k.key.PublicKey)
	return PublicKey{key: &k.key.PublicKey, id: id}, err
}

func keyID(key *ecdsa.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:]), err
}

func (k *PrivateKey) sign(message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	return ecdsa.SignASN1(rand.Reader, k.key, sum[:])
}

func (k PublicKey) verify(message, signature []byte) bool {
	sum := sha256.Sum256(message)
	return k.key != nil && ecdsa.VerifyASN1(k.key, sum[:], signature)
}
