//! TLS: authorities, identities, and the switch that turns verification off.

use std::path::Path;
use std::sync::Arc;

use imagestore::{Kind, Store};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

use crate::fake::{Content, Fake, Reply};
use crate::images;
use crate::scene::{self, Scene, chain};

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

struct Pair {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    fn sign(&self, name: &str) -> Pair {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        Pair { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }

    fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }
}

fn server(authority: &Authority, name: &str, clients: Option<&Authority>) -> Arc<rustls::ServerConfig> {
    let pair = authority.sign(name);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        Some(clients) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(clients.der()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let key = PrivateKeyDer::try_from(pair.key.serialize_der()).unwrap();
    Arc::new(builder.with_single_cert(vec![pair.certificate.der().clone()], key).unwrap())
}

/// A scene whose certs.d has one directory, filled by `fill`.
fn scene(host: &str, fill: impl FnOnce(&Path)) -> Scene {
    let dir = tempfile::tempdir().unwrap();
    let certs = dir.path().join("certs.d");
    let place = certs.join(host);
    std::fs::create_dir_all(&place).unwrap();
    fill(&place);
    let mut config = scene::config(dir.path().join("images"));
    config.certs_dir = Some(certs);
    Scene { store: Store::open(config).unwrap(), dir }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_the_operators_is_trusted() {
    let authority = Authority::new("ours");
    let registry =
        Fake::tls(server(&authority, "127.0.0.1", None), images::small("a").alone(), |r, c| c.reply(r)).await;
    let name = "r.example.com/app:1";
    let hosts = format!("server = \"https://{}\"\n", registry.host());

    let untrusting = scene("r.example.com", |dir| std::fs::write(dir.join("hosts.toml"), &hosts).unwrap());
    let text = untrusting.refused(name, Kind::RegistryUnavailable).await;
    assert!(text.to_lowercase().contains("certificate") || text.contains("UnknownIssuer"), "{text}");

    let trusting = scene("r.example.com", |dir| {
        std::fs::write(dir.join("ca.crt"), authority.issuer.pem()).unwrap();
        std::fs::write(dir.join("hosts.toml"), format!("{hosts}ca = \"ca.crt\"\n")).unwrap();
    });
    trusting.pull(name).await.unwrap();

    let careless = scene("r.example.com", |dir| {
        std::fs::write(dir.join("hosts.toml"), format!("{hosts}skip_verify = true\n")).unwrap();
    });
    careless.pull(name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new("ours");
    let registry =
        Fake::tls(server(&authority, "other.example.com", None), images::small("a").alone(), |r, c| {
            c.reply(r)
        })
        .await;
    let scene = scene("_default", |dir| {
        std::fs::write(dir.join("ca.crt"), authority.issuer.pem()).unwrap();
        std::fs::write(
            dir.join("hosts.toml"),
            format!("server = \"https://{}\"\nca = \"ca.crt\"\n", registry.host()),
        )
        .unwrap();
    });
    scene.refused("r.example.com/app:1", Kind::RegistryUnavailable).await;
    assert!(registry.log().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn we_can_prove_who_we_are() {
    let (authority, clients, strangers) =
        (Authority::new("ours"), Authority::new("clients"), Authority::new("strangers"));
    let config = server(&authority, "127.0.0.1", Some(&clients));
    let registry = Fake::tls(config, images::small("a").alone(), |r, c| c.reply(r)).await;
    let (stranger, known) = (strangers.sign("node"), clients.sign("node"));
    let files = |dir: &Path| {
        std::fs::write(dir.join("ca.crt"), authority.issuer.pem()).unwrap();
        std::fs::write(dir.join("stranger.pem"), stranger.certificate.pem() + &stranger.key.serialize_pem())
            .unwrap();
        std::fs::write(dir.join("known.cert"), known.certificate.pem()).unwrap();
        std::fs::write(dir.join("known.key"), known.key.serialize_pem()).unwrap();
    };
    let hosts = format!("server = \"https://{}\"\nca = \"ca.crt\"\n", registry.host());
    let name = "r.example.com/app:1";

    let nobody = scene("r.example.com", |dir| {
        files(dir);
        std::fs::write(dir.join("hosts.toml"), &hosts).unwrap();
    });
    nobody.refused(name, Kind::RegistryUnavailable).await;
    let both = scene("r.example.com", |dir| {
        files(dir);
        let client = "client = [\"stranger.pem\", [\"known.cert\", \"known.key\"]]\n";
        std::fs::write(dir.join("hosts.toml"), format!("{hosts}{client}")).unwrap();
    });
    both.pull(name).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_style_directories_work_without_a_file() {
    let (authority, clients) = (Authority::new("ours"), Authority::new("clients"));
    let config = server(&authority, "localhost", Some(&clients));
    let registry = Fake::tls(config, images::small("a").alone(), |r, c| c.reply(r)).await;
    // A name nobody configured is reached by https; a port of this machine by http: so it is configured.
    let known = clients.sign("node");
    let host = format!("localhost_{}_", registry.address.port());
    let scene = scene(&host, |dir| {
        std::fs::write(dir.join("ca.crt"), authority.issuer.pem()).unwrap();
        std::fs::write(dir.join("x.cert"), known.certificate.pem()).unwrap();
        std::fs::write(dir.join("x.key"), known.key.serialize_pem()).unwrap();
    });
    let name = format!("localhost:{}/app:1", registry.address.port());
    scene.pull(&name).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_never_left() {
    let authority = Authority::new("ours");
    let plain = Fake::at("127.0.0.2:0", images::small("a").alone(), |r, c| c.reply(r)).await;
    let target = plain.host();
    let config = server(&authority, "127.0.0.1", None);
    let registry =
        Fake::tls(config, Content::default(), move |request, _| match request.path.contains("private") {
            true => {
                Reply::new(401).with("www-authenticate", format!("Bearer realm=\"http://{target}/token\""))
            }
            false => Reply::new(307).with("location", format!("http://{target}{}", request.path)),
        })
        .await;
    let scene = scene("r.example.com", |dir| {
        std::fs::write(dir.join("ca.crt"), authority.issuer.pem()).unwrap();
        std::fs::write(
            dir.join("hosts.toml"),
            format!("server = \"https://{}\"\nca = \"ca.crt\"\n", registry.host()),
        )
        .unwrap();
    });
    for name in ["r.example.com/app:1", "r.example.com/private:1"] {
        scene.refused(name, Kind::Denied).await;
    }
    assert!(plain.log().is_empty());
}
