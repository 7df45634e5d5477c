//! Runs the plugins of a CNI network: ADD in order, DEL in reverse (CNI specification, sections 2 to 4).

use std::{
    collections::BTreeMap,
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::value::RawValue;

use crate::{
    cache::{Cache, Entry},
    conf::{NetworkConfig, PluginConfig, Version},
    error::{Error, Result},
    failure::Failure,
    ids::{AttachmentId, IfName},
    netlink::{Connection, link},
    plugin::{self, Call, Command},
    result::AddResult,
    runtime_config::RuntimeConfig,
};

/// Where plugins are, and how long they may take.
#[derive(Clone, Debug)]
pub struct Chain {
    dirs: Vec<PathBuf>,
    cache: Cache,
    timeout: Duration,
}

/// What an attachment is to be.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// CNI_CONTAINERID.
    pub id: AttachmentId,
    /// CNI_IFNAME.
    pub interface: IfName,
    /// CNI_ARGS: `K8S_POD_NAMESPACE`, `K8S_POD_NAME` … and their values.
    pub args: Vec<(String, String)>,
    /// What plugins with capabilities are told.
    pub runtime: RuntimeConfig,
}

/// What the calls of one operation have in common.
struct Context<'a> {
    network: &'a NetworkConfig,
    /// The `CNI_*` variables.
    variables: Vec<(&'static str, String)>,
    /// `runtimeConfig` by capability.
    runtime: BTreeMap<String, Box<RawValue>>,
}

impl Chain {
    /// `timeout` is for each call of a plugin. Attachments that exist are remembered in `cache_dir`.
    #[must_use]
    pub fn new(dirs: Vec<PathBuf>, cache_dir: PathBuf, timeout: Duration) -> Self {
        Self { dirs, cache: Cache::new(cache_dir), timeout }
    }

    /// Attaches: brings the pod's `lo` up, then runs ADD of every plugin, each with the result of the one before.
    ///
    /// `netns` is the path of the pod's network namespace, `route` a `NETLINK_ROUTE` socket inside it. If a plugin fails, DEL
    /// of it and of those before it is run; what remains then is for [`Chain::del`] to try again.
    ///
    /// # Errors
    /// The plugin's; with those of the DELs behind it, if they failed as well.
    pub fn add(
        &self,
        network: &NetworkConfig,
        attachment: &Attachment,
        netns: &Path,
        route: BorrowedFd<'_>,
    ) -> Result<AddResult> {
        let named = |error| in_network(network, error);
        Connection::over(route)?.all(&[link::up("lo")]).map_err(named)?;
        let mut entry = attachment.entry(network).map_err(named)?;
        // First the intent: after a crash somebody must know that there may be something to DEL.
        self.cache.put(&entry)?;
        let context = Context::of(network, &entry, Some(netns)).map_err(named)?;
        match self.add_each(&context, &attachment.interface, &mut entry.result) {
            Ok(result) => {
                self.cache.put(&entry)?;
                Ok(result)
            }
            Err((failed, error)) => {
                // One that was never started has done nothing, and its DEL could not be started either.
                let ran = usize::from(!matches!(
                    error,
                    Error::Plugin { failure: Failure::Missing(_) | Failure::Untrusted { .. }, .. }
                ));
                let mut after = self.del_each(&context, failed + ran, entry.result.as_deref());
                if after.is_empty() {
                    after.extend(self.cache.remove(&attachment.id, &attachment.interface).err());
                }
                Err(in_network(network, error.followed_by(after)))
            }
        }
    }

    /// Detaches: runs DEL of every plugin in reverse, of all of them even if one fails or is missing.
    ///
    /// The network is the one that ADD was run with, or `network` if nobody remembers. `netns` is `None` when the namespace is
    /// gone. Idempotent: without either network there is nothing to do.
    ///
    /// # Errors
    /// All that failed; the attachment is then still remembered, and the next call tries again.
    pub fn del(
        &self,
        network: Option<&NetworkConfig>,
        attachment: &Attachment,
        netns: Option<&Path>,
    ) -> Result<()> {
        let (entry, remembered) = match self.cache.get(&attachment.id, &attachment.interface)? {
            Some(entry) => {
                let network = NetworkConfig::parse(entry.network.clone())?;
                (entry, network)
            }
            None => match network {
                Some(network) => (attachment.entry(network)?, network.clone()),
                None => return Ok(()),
            },
        };
        let context = Context::of(&remembered, &entry, netns)?;
        let errors = self.del_each(&context, remembered.plugins.len(), entry.result.as_deref());
        match Error::of(errors) {
            Some(error) => Err(in_network(&remembered, error)),
            None => self.cache.remove(&attachment.id, &attachment.interface),
        }
    }

    /// Asks every plugin whether the attachment is as its ADD left it; right if it was never added, or for networks before
    /// 0.4.0.
    pub fn check(&self, attachment: &Attachment, netns: &Path) -> Result<()> {
        let Some(entry) = self.cache.get(&attachment.id, &attachment.interface)? else { return Ok(()) };
        let network = NetworkConfig::parse(entry.network.clone())?;
        if network.version < Version::V0_4_0 || network.disable_check {
            return Ok(());
        }
        let context = Context::of(&network, &entry, Some(netns))?;
        for plugin in &network.plugins {
            let config = context.config(plugin, entry.result.as_deref(), None);
            self.call(plugin, Command::Check, &context, &config)
                .map_err(|error| in_network(&network, error))?;
        }
        Ok(())
    }

    /// Asks every plugin whether it could ADD now (STATUS, 1.1.0); before that, whether it is there.
    pub fn status(&self, network: &NetworkConfig) -> Result<()> {
        let context = Context::bare(network);
        for plugin in &network.plugins {
            let asked = if network.version >= Version::V1_1_0 {
                self.call(plugin, Command::Status, &context, &context.config(plugin, None, None)).map(drop)
            } else {
                plugin::find(&plugin.kind, &self.dirs)
                    .map(drop)
                    .map_err(|failure| failed(plugin, Command::Status, failure))
            };
            asked.map_err(|error| in_network(network, error))?;
        }
        Ok(())
    }

    /// Tells every plugin which attachments exist, so that it drops what it has for others (GC, 1.1.0); runs DEL of those we
    /// remember and that are not among them, whatever the version. Goes on after a failure.
    pub fn gc(&self, network: &NetworkConfig, existing: &[(AttachmentId, IfName)]) -> Result<()> {
        let mut errors = Vec::new();
        for entry in self.cache.list()? {
            let (Ok(id), Ok(interface)) = (AttachmentId::parse(&entry.id), IfName::parse(&entry.interface))
            else {
                continue;
            };
            if !existing.contains(&(id.clone(), interface.clone())) {
                let gone = Attachment { id, interface, args: Vec::new(), runtime: RuntimeConfig::default() };
                errors.extend(self.del(None, &gone, None).err());
            }
        }
        if network.version >= Version::V1_1_0 && !network.disable_gc {
            let context = Context::bare(network);
            let valid: Vec<_> = existing
                .iter()
                .map(|(id, interface)| serde_json::json!({ "containerID": id.as_str(), "ifname": interface.as_str() }))
                .collect();
            let valid = serde_json::value::to_raw_value(&valid).ok();
            for plugin in &network.plugins {
                let config = context.config(plugin, None, valid.clone());
                errors.extend(self.call(plugin, Command::Gc, &context, &config).err());
            }
        }
        Error::of(errors).map_or(Ok(()), |error| Err(in_network(network, error)))
    }

    /// Attachments that are remembered: ADD was begun and no DEL has succeeded.
    pub fn remembered(&self) -> Result<Vec<(AttachmentId, IfName)>> {
        let ids = |entry: Entry| {
            Some((AttachmentId::parse(&entry.id).ok()?, IfName::parse(&entry.interface).ok()?))
        };
        Ok(self.cache.list()?.into_iter().filter_map(ids).collect())
    }

    /// Runs ADD of every plugin; says which failed. `result` is the last there was.
    fn add_each(
        &self,
        context: &Context<'_>,
        interface: &IfName,
        result: &mut Option<String>,
    ) -> Result<AddResult, (usize, Error)> {
        let mut last = AddResult::default();
        for (index, plugin) in context.network.plugins.iter().enumerate() {
            let config = context.config(plugin, result.as_deref(), None);
            let printed =
                self.call(plugin, Command::Add, context, &config).map_err(|error| (index, error))?;
            last = AddResult::read(&printed, interface.as_str())
                .map_err(|why| (index, failed(plugin, Command::Add, Failure::BadResult(why))))?;
            *result = Some(last.text.clone());
        }
        Ok(last)
    }

    /// Runs DEL of the first `count` plugins, the last of them first; returns what failed.
    fn del_each(&self, context: &Context<'_>, count: usize, result: Option<&str>) -> Vec<Error> {
        let result = result.filter(|_| context.network.version >= Version::V0_4_0);
        let mut errors = Vec::new();
        for plugin in context.network.plugins.iter().take(count).rev() {
            let config = context.config(plugin, result, None);
            errors.extend(self.call(plugin, Command::Del, context, &config).err());
        }
        errors
    }

    fn call(
        &self,
        plugin: &PluginConfig,
        command: Command,
        context: &Context<'_>,
        config: &[u8],
    ) -> Result<Vec<u8>> {
        let call = Call {
            kind: &plugin.kind,
            command,
            variables: &context.variables,
            config,
            dirs: &self.dirs,
            timeout: self.timeout,
        };
        plugin::run(&call).map_err(|failure| failed(plugin, command, failure))
    }
}

impl Attachment {
    fn entry(&self, network: &NetworkConfig) -> Result<Entry> {
        let told = self.runtime.by_capability();
        let told = told.into_iter().map(|(name, value)| (name.to_owned(), value.get().to_owned())).collect();
        Ok(Entry::new(&self.id, &self.interface, network.text.clone(), args_text(&self.args)?, told))
    }
}

/// `IgnoreUnknown=1;KEY=VALUE;…`. A separator in a value would forge another argument.
fn args_text(args: &[(String, String)]) -> Result<String> {
    let mut text = "IgnoreUnknown=1".to_owned();
    for (key, value) in args {
        for part in [key, value] {
            if part.bytes().any(|byte| matches!(byte, b';' | b'=') || byte.is_ascii_control()) {
                return Err(Error::invalid("CNI argument", part, "free of ';', '=' and control characters"));
            }
        }
        text.push_str(&format!(";{key}={value}"));
    }
    Ok(text)
}

impl<'a> Context<'a> {
    fn of(network: &'a NetworkConfig, entry: &Entry, netns: Option<&Path>) -> Result<Self> {
        let netns = netns.map_or(Some(""), Path::to_str);
        let netns = netns.ok_or_else(|| Error::invalid("network namespace", "", "a path in UTF-8"))?;
        let variables = vec![
            ("CNI_CONTAINERID", entry.id.clone()),
            ("CNI_NETNS", netns.to_owned()),
            ("CNI_IFNAME", entry.interface.clone()),
            ("CNI_ARGS", entry.args.clone()),
        ];
        let raw =
            |(name, text): &(String, String)| Some((name.clone(), RawValue::from_string(text.clone()).ok()?));
        Ok(Self { network, variables, runtime: entry.runtime.iter().filter_map(raw).collect() })
    }

    /// For commands that are about no attachment.
    fn bare(network: &'a NetworkConfig) -> Self {
        Self { network, variables: Vec::new(), runtime: BTreeMap::new() }
    }

    /// The execution configuration of a plugin (section 3, "Deriving execution configuration from plugin configuration").
    fn config(&self, plugin: &PluginConfig, result: Option<&str>, valid: Option<Box<RawValue>>) -> Vec<u8> {
        let mut fields: BTreeMap<&str, &RawValue> =
            plugin.fields.iter().map(|(name, value)| (name.as_str(), &**value)).collect();
        let told: BTreeMap<&String, &Box<RawValue>> =
            self.runtime.iter().filter(|(name, _)| plugin.capabilities.contains(*name)).collect();
        let added = [
            ("cniVersion", serde_json::value::to_raw_value(self.network.version.as_str()).ok()),
            ("name", serde_json::value::to_raw_value(self.network.name.as_str()).ok()),
            ("prevResult", result.and_then(|text| RawValue::from_string(text.to_owned()).ok())),
            (
                "runtimeConfig",
                (!told.is_empty()).then(|| serde_json::value::to_raw_value(&told).ok()).flatten(),
            ),
            ("cni.dev/valid-attachments", valid),
        ];
        fields.extend(added.iter().filter_map(|(name, value)| Some((*name, &**value.as_ref()?))));
        serde_json::to_vec(&fields).unwrap_or_default()
    }
}

fn failed(plugin: &PluginConfig, command: Command, failure: Failure) -> Error {
    Error::Plugin { plugin: plugin.kind.clone(), command: command.name(), failure }
}

fn in_network(network: &NetworkConfig, error: Error) -> Error {
    Error::Network { name: network.name.to_string(), source: Box::new(error) }
}

#[cfg(test)]
mod tests;
