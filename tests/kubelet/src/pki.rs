//! Who is who in the cluster: one authority, a certificate for servers, one for the API server as kubelet's client, tokens
//! for everybody else.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use harness::{Doing, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use serde_json::json;

/// Users and their groups, by token. They live as long as the run and are good on loopback only.
const USERS: [(&str, &str, &str); 3] = [
    ("admin", "admin", "system:masters"),
    ("controllers", "system:kube-controller-manager", ""),
    ("scheduler", "system:kube-scheduler", ""),
];

/// The files, all in one directory.
#[derive(Debug)]
pub(crate) struct Pki {
    dir: PathBuf,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    /// Makes everything, for an API server and a node at `address`.
    pub(crate) fn make(dir: &Path, address: Ipv4Addr) -> Result<Self> {
        fs::create_dir_all(dir).doing(|| format!("make {}", dir.display()))?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "the scenarios' authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let pki = Self { dir: dir.to_owned(), authority };
        pki.write("ca.crt", &pki.authority.pem())?;
        pki.sign("apiserver", &[address], None)?;
        pki.sign("apiserver-client", &[], Some(("apiserver", "system:masters")))?;
        let accounts = KeyPair::generate()?;
        pki.write("accounts.key", &accounts.serialize_pem())?;
        pki.write("accounts.pub", &accounts.public_key_pem())?;
        let mut users: Vec<String> = USERS
            .iter()
            .map(|(token, user, group)| format!("{token},{user},{token},\"{group}\"\n"))
            .collect();
        pki.sign(&address.to_string(), &[address], None)?;
        users.push(format!("node-{address},system:node:{address},node-{address},\"system:nodes\"\n"));
        pki.write("tokens.csv", &users.concat())?;
        Ok(pki)
    }

    /// A file of the directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The authority, as DER.
    pub(crate) fn authority_der(&self) -> rustls::pki_types::CertificateDer<'static> {
        self.authority.der().clone()
    }

    /// Writes how a client with `token` reaches the API server. YAML is read, and JSON is YAML.
    pub(crate) fn kubeconfig(&self, token: &str, server: &str) -> Result<PathBuf> {
        let name = format!("{token}.kubeconfig");
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": "c", "cluster": { "server": server, "certificate-authority": self.file("ca.crt") } }],
            "users": [{ "name": "u", "user": { "token": token } }],
            "contexts": [{ "name": "x", "context": { "cluster": "c", "user": "u" } }],
            "current-context": "x",
        });
        self.write(&name, &config.to_string())?;
        Ok(self.file(&name))
    }

    /// `NAME.crt` and `NAME.key`: a server at these addresses, or a client of this name and organisation.
    fn sign(&self, name: &str, addresses: &[Ipv4Addr], client: Option<(&str, &str)>) -> Result {
        let mut params = CertificateParams::new(Vec::new())?;
        for address in addresses {
            params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(*address)));
        }
        let (common, organisation) = client.unwrap_or((name, "servers"));
        params.distinguished_name.push(DnType::CommonName, common);
        params.distinguished_name.push(DnType::OrganizationName, organisation);
        params.extended_key_usages = match client {
            Some(_) => vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth],
            None => vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth],
        };
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.authority)?;
        self.write(&format!("{name}.crt"), &certificate.pem())?;
        self.write(&format!("{name}.key"), &key.serialize_pem())
    }

    fn write(&self, name: &str, text: &str) -> Result {
        let path = self.file(name);
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
        let mut file = file.doing(|| format!("create {}", path.display()))?;
        std::io::Write::write_all(&mut file, text.as_bytes()).doing(|| format!("write {}", path.display()))
    }
}
