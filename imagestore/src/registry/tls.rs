//! TLS settings of one endpoint: roots, our identities, and the switch that turns verification off.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::registry::endpoint::Tls;

/// The system's certificate authorities. Reads files; about ten milliseconds.
pub(crate) fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "a certificate of the system was skipped");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}

/// The client configuration for `tls`.
pub(crate) fn configure(tls: &Tls, system: &RootCertStore) -> Result<ClientConfig, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| e.to_string())?.dangerous();
    let verifier: Arc<dyn ServerCertVerifier> = match tls.skip_verify {
        true => Arc::new(TakesAny(Arc::clone(&provider))),
        false => verifier(tls, system, &provider)?,
    };
    let builder = builder.with_custom_certificate_verifier(verifier);
    if tls.client.is_empty() {
        return Ok(builder.with_no_client_auth());
    }
    let identities = tls.client.iter().map(|(chain, key)| identity(chain, key, &provider));
    let identities = identities.collect::<Result<Vec<_>, _>>()?;
    Ok(builder.with_client_cert_resolver(Arc::new(Identities(identities))))
}

fn verifier(
    tls: &Tls,
    system: &RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut roots = system.clone();
    for pem in &tls.ca {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|e| format!("ca: {e}"))?;
            roots.add(certificate).map_err(|e| format!("ca: {e}"))?;
        }
        if roots.len() == before {
            return Err("ca: there is no certificate in the file".to_owned());
        }
    }
    if roots.is_empty() {
        return Err(
            "this machine has no certificate authorities: install ca-certificates, or name one with ca"
                .to_owned(),
        );
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|e| e.to_string())
}

fn identity(chain: &[u8], key: &[u8], provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, String> {
    let chain = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| format!("client: {e}"))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| format!("client: no private key: {e}"))?;
    let key = CertifiedKey::from_der(chain, key, provider).map_err(|e| format!("client: {e}"))?;
    Ok(Arc::new(key))
}

/// Several identities; the server's hints choose.
#[derive(Debug)]
struct Identities(Vec<Arc<CertifiedKey>>);

impl ResolvesClientCert for Identities {
    fn resolve(&self, hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let usable = || self.0.iter().filter(|identity| identity.key.choose_scheme(schemes).is_some());
        // The issuer's name stands in a certificate exactly as the hint has it.
        let issued_by = |identity: &&Arc<CertifiedKey>, hint: &[u8]| {
            !hint.is_empty()
                && identity.cert.iter().any(|der| der.windows(hint.len()).any(|part| part == hint))
        };
        let hinted = usable().find(|identity| hints.iter().any(|hint| issued_by(identity, hint)));
        hinted.or_else(|| usable().next()).cloned()
    }

    fn has_certs(&self) -> bool {
        !self.0.is_empty()
    }
}

/// `skip_verify`: any certificate will do; the content's digests still protect the content.
#[derive(Debug)]
struct TakesAny(Arc<CryptoProvider>);

impl ServerCertVerifier for TakesAny {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
