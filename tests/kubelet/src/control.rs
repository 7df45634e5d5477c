//! The control plane: etcd, the API server, the controllers and the scheduler, all on one loopback address.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use harness::{Doing, Result, debian, until};

use crate::{
    api::Api,
    args::{Args, Programs},
    pki::Pki,
    program::Program,
};

/// The API server makes its roles and namespaces before it is ready, which takes a busy machine its time.
const START: Duration = Duration::from_secs(180);

/// The four programs.
#[derive(Debug)]
pub(crate) struct Control {
    /// In the order in which they are stopped.
    programs: Vec<Program>,
}

impl Control {
    /// Starts all of them at `address`; their files are below `dir`.
    pub(crate) async fn start(
        args: &Args,
        programs: &Programs,
        dir: &Path,
        address: Ipv4Addr,
        pki: &Pki,
        api: &Api,
    ) -> Result<Self> {
        fs::create_dir_all(dir).doing(|| format!("make {}", dir.display()))?;
        let mut etcd = etcd(args, dir, address)?;
        let mut apiserver = apiserver(&programs.apiserver, dir, address, pki)?;
        let mut broken = None;
        until("the API server is ready", START, async || {
            broken = etcd.check().and_then(|()| apiserver.check()).err();
            broken.is_some() || api.text("/readyz").await.is_ok()
        })
        .await?;
        if let Some(failure) = broken {
            return Err(failure);
        }
        let server = server(address);
        let controllers = controllers(&programs.controllers, dir, address, pki, &server)?;
        let scheduler = scheduler(&programs.scheduler, dir, address, pki, &server)?;
        Ok(Self { programs: vec![scheduler, controllers, apiserver, etcd] })
    }

    /// Ends them, clients before servers.
    pub(crate) async fn stop(&mut self) -> Result {
        for program in &mut self.programs {
            program.stop().await?;
        }
        Ok(())
    }
}

/// The URL of the API server at `address`.
pub(crate) fn server(address: Ipv4Addr) -> String {
    format!("https://{address}:6443")
}

fn etcd(args: &Args, dir: &Path, address: Ipv4Addr) -> Result<Program> {
    let binary: PathBuf = match &args.etcd {
        Some(binary) => binary.clone(),
        None => debian::unpack(&["etcd-server"])?.join("usr/bin/etcd"),
    };
    let (client, peer) = (format!("http://{address}:2379"), format!("http://{address}:2380"));
    let data = dir.join("etcd");
    let arguments = [
        format!("--data-dir={}", data.display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
    ];
    Program::start(&binary, "etcd", dir, arguments)
}

fn apiserver(binary: &Path, dir: &Path, address: Ipv4Addr, pki: &Pki) -> Result<Program> {
    let file = |name: &str| pki.file(name).display().to_string();
    let arguments = [
        format!("--etcd-servers=http://{address}:2379"),
        format!("--bind-address={address}"),
        format!("--advertise-address={address}"),
        "--secure-port=6443".to_owned(),
        // Nothing that a Service would point to is on loopback.
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--cert-dir={}", dir.display()),
        format!("--tls-cert-file={}", file("apiserver.crt")),
        format!("--tls-private-key-file={}", file("apiserver.key")),
        format!("--client-ca-file={}", file("ca.crt")),
        format!("--token-auth-file={}", file("tokens.csv")),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        "--allow-privileged=true".to_owned(),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", file("accounts.pub")),
        format!("--service-account-signing-key-file={}", file("accounts.key")),
        format!("--kubelet-certificate-authority={}", file("ca.crt")),
        format!("--kubelet-client-certificate={}", file("apiserver-client.crt")),
        format!("--kubelet-client-key={}", file("apiserver-client.key")),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
    ];
    Program::start(binary, "kube-apiserver", dir, arguments)
}

fn controllers(binary: &Path, dir: &Path, address: Ipv4Addr, pki: &Pki, server: &str) -> Result<Program> {
    let kubeconfig = pki.kubeconfig("controllers", server)?;
    let arguments = [
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--bind-address={address}"),
        format!("--cert-dir={}", dir.display()),
        format!("--root-ca-file={}", pki.file("ca.crt").display()),
        format!("--service-account-private-key-file={}", pki.file("accounts.key").display()),
        "--use-service-account-credentials=true".to_owned(),
        "--leader-elect=false".to_owned(),
    ];
    Program::start(binary, "kube-controller-manager", dir, arguments)
}

fn scheduler(binary: &Path, dir: &Path, address: Ipv4Addr, pki: &Pki, server: &str) -> Result<Program> {
    let kubeconfig = pki.kubeconfig("scheduler", server)?;
    let arguments = [
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--bind-address={address}"),
        format!("--cert-dir={}", dir.display()),
        "--leader-elect=false".to_owned(),
    ];
    Program::start(binary, "kube-scheduler", dir, arguments)
}
