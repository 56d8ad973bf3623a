package main

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/enbility/ship-go/cert"
)

// identity loads the certificate of a folder, or makes one as ship-go does and stores it there.
func identity(folder string) (certificate tls.Certificate, ski string, err error) {
	certFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	certificate, err = tls.LoadX509KeyPair(certFile, keyFile)
	if folder == "" || errors.Is(err, fs.ErrNotExist) {
		certificate, err = cert.CreateCertificate("Tests", "Tests", "DE", "ems_go")
		if err == nil && folder != "" {
			err = store(certificate, certFile, keyFile)
		}
	}
	if err != nil {
		return
	}
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		return
	}
	ski, err = cert.SkiFromCertificate(leaf)
	return
}

func store(certificate tls.Certificate, certFile, keyFile string) error {
	key, err := x509.MarshalECPrivateKey(certificate.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(certFile), 0o700); err != nil {
		return err
	}
	keyText := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key})
	if err := os.WriteFile(keyFile, keyText, 0o600); err != nil {
		return err
	}
	certText := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	return os.WriteFile(certFile, certText, 0o644)
}
