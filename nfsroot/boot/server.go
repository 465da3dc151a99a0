package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Server is an NFS server of our own, on loopback, that exports one directory
// read-only.
type Server struct {
	Export string // the directory
	Port   int
	Config string // its configuration file
	Log    string

	program string
	process *process
	out     *tail
}

// The NFS server's program, and Debian's packages that have it.
const (
	ganesha         = "ganesha.nfsd"
	ganeshaPackages = "nfs-ganesha nfs-ganesha-vfs"
)

// StartServer starts nfs-ganesha for the directory export and returns once it
// answers. It keeps its files in dir.
func StartServer(ctx context.Context, export, dir string) (_ *Server, err error) {
	program, err := find(ganesha, ganeshaPackages)
	if err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		return nil, errors.New("starting the NFS server: it opens files by handle, which takes root rights: run as root, or name a server with --nfs")
	}
	// The server itself only logs an export that is not there.
	if _, err := os.Stat(export); err != nil {
		return nil, fmt.Errorf("exporting the roots: %w", err)
	}
	s := &Server{Export: export, Config: filepath.Join(dir, "nfs.conf"), Log: filepath.Join(dir, "nfs.log"), program: program, out: &tail{}}
	if s.Port, err = freePort(); err != nil {
		return nil, err
	}
	if err := s.write(dir); err != nil {
		return nil, err
	}
	if s.process, err = start(s.Args(), s.out, s.out); err != nil {
		return nil, err
	}
	if err := s.ready(ctx); err != nil {
		s.process.stop()
		return nil, err
	}
	return s, nil
}

// Args is the server's command line.
func (s *Server) Args() []string {
	return []string{s.program, "-F", "-f", s.Config, "-L", s.Log, "-p", filepath.Join(filepath.Dir(s.Config), "nfs.pid")}
}

// Stop ends the server.
func (s *Server) Stop() { s.process.stop() }

// PID is the process of the server.
func (s *Server) PID() int { return s.process.cmd.Process.Pid }

// Address is where the server listens.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", fmt.Sprint(s.Port)) }

func (s *Server) write(dir string) error {
	recovery := filepath.Join(dir, "nfs-recovery")
	if err := os.MkdirAll(recovery, 0o700); err != nil {
		return fmt.Errorf("creating the NFS server's directory: %w", err)
	}
	if err := os.WriteFile(s.Config, []byte(s.config(recovery)), 0o600); err != nil {
		return fmt.Errorf("writing the NFS server's configuration: %w", err)
	}
	return nil
}

// config is nfs-ganesha's configuration: NFSv4 alone, so that no rpcbind is
// asked, and without a grace time in which a first client would wait.
func (s *Server) config(recovery string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "NFS_CORE_PARAM {\n\tNFS_Port = %d;\n\tBind_addr = 127.0.0.1;\n\tNFS_Protocols = 4;\n\tEnable_NLM = false;\n\tEnable_RQUOTA = false;\n}\n", s.Port)
	fmt.Fprintf(&b, "NFSV4 {\n\tGraceless = true;\n\tOnly_Numeric_Owners = true;\n\tRecoveryBackend = fs;\n\tRecoveryRoot = %s;\n}\n", quote(recovery))
	path := quote(s.Export)
	fmt.Fprintf(&b, "EXPORT {\n\tExport_Id = 1;\n\tPath = %s;\n\tPseudo = %s;\n\tAccess_Type = RO;\n\tSquash = No_Root_Squash;\n\tSecType = sys;\n\tProtocols = 4;\n\tTransports = TCP;\n\tFSAL { Name = VFS; }\n}\n", path, path)
	return b.String()
}

func quote(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }

// starting is how long the server may take until it answers.
const starting = 30 * time.Second

func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, starting, fmt.Errorf("the NFS server does not answer after %s", starting))
	defer cancel()
	for {
		if pingNFS(ctx, s.Address(), time.Second) == nil {
			return nil
		}
		select {
		case <-s.process.done:
			return s.failure(errors.New("the NFS server " + s.process.how()))
		case <-ctx.Done():
			return s.failure(context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// failure adds the end of the server's log to an error about it.
func (s *Server) failure(cause error) error {
	t := &tail{}
	if f, err := os.Open(s.Log); err == nil {
		_, _ = io.Copy(t, f)
		_ = f.Close()
	}
	_, _ = io.WriteString(t, s.out.String())
	return fmt.Errorf("%w; its log ends:\n%s", cause, t.last(8))
}

// freePort returns a TCP port of loopback that nothing listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}
