package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
	"github.com/rootbuild/rootbuild/builder/engine"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/spf13/cobra"
)

// registryOptions say how registries are spoken to.
type registryOptions struct {
	plainHTTP bool
	ca        string
	mirrors   []string
}

func (o *registryOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.plainHTTP, "plain-http", false, "speak plain http with registries: nobody is asked who they are, and passwords travel in the clear")
	f.StringVar(&o.ca, "registry-ca", "", "file with certificates (PEM) that registries are trusted by, beside those of the host")
}

func (o *registryOptions) addMirrors(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.mirrors, "mirror-registry", nil, "HOST[:PORT][/PREFIX] that is asked first for all that a digest names; may be given again")
}

// options reads the certificates and checks the mirrors.
func (o registryOptions) options() (oci.RegistryOptions, error) {
	options := oci.RegistryOptions{PlainHTTP: o.plainHTTP, Mirrors: o.mirrors}
	if err := options.Check(); err != nil {
		return options, usageError{err}
	}
	if o.ca == "" {
		return options, nil
	}
	text, err := os.ReadFile(o.ca)
	if err != nil {
		return options, usageError{fmt.Errorf("reading --registry-ca: %w", err)}
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return options, fmt.Errorf("reading the host's certificates: %w", err)
	}
	if !roots.AppendCertsFromPEM(text) {
		return options, usageError{fmt.Errorf("reading --registry-ca: %s holds no certificate", o.ca)}
	}
	options.RootCAs = roots
	return options, nil
}

// transferProgress shows an image that moves as one step, with a bar for each
// of its blobs.
type transferProgress struct {
	display *engine.Display
	vertex  client.Vertex

	mu      sync.Mutex
	started map[string]time.Time
}

func newTransferProgress(d *engine.Display, name string) *transferProgress {
	now := time.Now()
	p := &transferProgress{display: d, started: map[string]time.Time{}}
	p.vertex = client.Vertex{Digest: digest.FromString(name), Name: name, Started: &now}
	p.send(&client.SolveStatus{})
	return p
}

// show translates one event.
func (p *transferProgress) show(t oci.Transfer) {
	now := time.Now()
	if t.Note != "" {
		text := t.Object + ": " + t.Note + "\n"
		p.send(&client.SolveStatus{Logs: []*client.VertexLog{{Vertex: p.vertex.Digest, Stream: 2, Data: []byte(text), Timestamp: now}}})
		return
	}
	status := client.VertexStatus{
		ID: t.Object, Vertex: p.vertex.Digest, Name: t.Object,
		Current: t.Done, Total: t.Total, Timestamp: now, Started: p.since(t.Object, now),
	}
	if t.Done == t.Total {
		status.Completed = &now
	}
	p.send(&client.SolveStatus{Statuses: []*client.VertexStatus{&status}})
}

func (p *transferProgress) since(object string, now time.Time) *time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.started[object]; !ok {
		p.started[object] = now
	}
	started := p.started[object]
	return &started
}

// done ends the step; err says whether and why it failed.
func (p *transferProgress) done(err error) {
	now := time.Now()
	p.vertex.Completed = &now
	if err != nil {
		p.vertex.Error = err.Error()
	}
	p.send(&client.SolveStatus{})
}

func (p *transferProgress) send(s *client.SolveStatus) {
	vertex := p.vertex
	s.Vertexes = []*client.Vertex{&vertex}
	p.display.Send(s)
}
