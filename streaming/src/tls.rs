//! TLS for both ends of the streaming server: certificates as they lie in files.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};

/// Why certificates could not be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file holds no certificate.
    #[error("no certificate in PEM")]
    NoCertificate,
    /// The file is not PEM, or what is in it is cut off.
    #[error("not a certificate in PEM")]
    Certificate(#[source] pem::Error),
    /// The file holds no private key.
    #[error("no private key in PEM")]
    Key(#[source] pem::Error),
    /// They do not fit together, or are of a kind that is not supported.
    #[error("certificate and key")]
    Unusable(#[source] rustls::Error),
}

/// What a server needs: its certificate with those that lead to the root, and the key of the first.
pub fn server(chain: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let key = PrivateKeyDer::from_pem_slice(key).map_err(TlsError::Key)?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?
        .with_no_client_auth()
        .with_single_cert(certificates(chain)?, key)
        .map_err(TlsError::Unusable)?;
    Ok(Arc::new(config))
}

/// What a client needs: whom to trust. Nobody else is, the authorities of the system included.
pub fn client(trusted: &[u8]) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(trusted)? {
        roots.add(certificate).map_err(TlsError::Unusable)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(TlsError::Certificate)?;
    if found.is_empty() { Err(TlsError::NoCertificate) } else { Ok(found) }
}
