package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificate writes a self-signed certificate of 127.0.0.1 and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// TestHandshake: both sides accept each other by these settings, and a client
// that trusts the system's certificates only refuses.
func TestHandshake(t *testing.T) {
	cert, key := certificate(t)
	both := TLS{Enabled: true, CA: cert, Cert: cert, Key: key}
	server, err := both.Client()
	if err != nil {
		t.Fatal(err)
	}
	server.ClientCAs, server.ClientAuth = server.RootCAs, tls.RequireAndVerifyClientCert
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	handshake := func(settings TLS) (client, server error) {
		c, err := settings.Client()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := l.Accept()
			if err == nil {
				err = conn.(*tls.Conn).Handshake()
				conn.Close()
			}
			served <- err
		}()
		conn, err := tls.Dial("tcp", l.Addr().String(), c)
		if err == nil {
			defer conn.Close()
		}
		return err, <-served
	}
	if client, server := handshake(both); client != nil || server != nil {
		t.Errorf("got %v and %v", client, server)
	}
	if client, _ := handshake(TLS{Enabled: true}); client == nil {
		t.Error("a certificate that nobody vouches for is accepted")
	}
	if _, server := handshake(TLS{Enabled: true, CA: cert}); server == nil {
		t.Error("a client without a certificate is accepted")
	}
}

func TestCertificatesThatAreNone(t *testing.T) {
	if c, err := (TLS{CA: "no/such"}).Client(); c != nil || err != nil {
		t.Errorf("not encrypted, but %v, %v", c, err)
	}
	cert, key := certificate(t)
	for _, settings := range []TLS{{CA: "no/such"}, {Cert: cert, Key: "no/such"}} {
		settings.Enabled = true
		if _, err := settings.Client(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%+v: got %v", settings, err)
		}
	}
	if _, err := (TLS{Enabled: true, CA: key}).Client(); err == nil {
		t.Error("a key is taken for a certificate")
	}
}
