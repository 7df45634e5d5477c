//! `berth pull`: brings an image here, and shows how far it is.

mod progress;

use progress::Bars;
use proto::{
    berth::{PullProgressEvent, PullProgressRequest},
    cri::{AuthConfig, ImageSpec, PullImageRequest},
};
use tonic::Code;

use super::Node;
use crate::{
    client::Client,
    failure::{Doing, Failure, Result},
    output,
};

/// Pull an image
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth pull alpine
  berth pull registry.example/app:1.2
  berth pull alpine@sha256:…                      exactly this one
  BERTH_CREDS=me:secret berth pull example/app  a password no list shows")]
pub(crate) struct Args {
    /// Name, with a tag or a digest
    image: String,
    /// User and password at the registry
    #[arg(long, env = "BERTH_CREDS", hide_env_values = true, value_name = "USER:PASSWORD", value_parser = Credentials::parse)]
    creds: Option<Credentials>,
}

/// A user's name and password; printed by nobody.
#[derive(Clone)]
pub(crate) struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    fn parse(text: &str) -> Result<Self, String> {
        let (user, password) = text.split_once(':').ok_or("USER:PASSWORD, with a colon between them")?;
        Ok(Self { user: user.to_owned(), password: password.to_owned() })
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

pub(crate) async fn run(node: &Node, args: &Args) -> Result {
    let mut client = node.connect().await?;
    let auth = args.creds.as_ref().map(|creds| AuthConfig {
        username: creds.user.clone(),
        password: creds.password.clone(),
        ..AuthConfig::default()
    });
    let reference = pull(&mut client, &args.image, auth).await?;
    output::line(reference)
}

/// Pulls, with bars on standard error if that is a terminal; gives what PullImage answers.
pub(super) async fn pull(client: &mut Client, image: &str, auth: Option<AuthConfig>) -> Result<String> {
    let request = PullProgressRequest { image: image.to_owned(), auth: auth.clone() };
    let what = format!("pull {image}");
    let pulled = match client.berth.pull_progress(request).await {
        Ok(events) => watch(image, events.into_inner()).await,
        // Another runtime, or an older berthd: without progress.
        Err(status) if status.code() == Code::Unimplemented => plain(client, image, auth).await,
        Err(status) => Err(status.into()),
    };
    pulled.map_err(|failure| advise(failure, image)).doing(what)
}

async fn watch(image: &str, mut events: tonic::Streaming<PullProgressEvent>) -> Result<String> {
    let mut bars = Bars::new(image);
    while let Some(event) = events.message().await? {
        if !event.image_ref.is_empty() {
            bars.finish();
            return Ok(event.image_ref);
        }
        bars.show(&event);
    }
    Err(Failure::new("the daemon stopped telling how it goes").or_try("`berth images`, then again"))
}

async fn plain(client: &mut Client, image: &str, auth: Option<AuthConfig>) -> Result<String> {
    let image = Some(ImageSpec { image: image.to_owned(), ..ImageSpec::default() });
    let answer = client.images.pull_image(PullImageRequest { image, auth, sandbox_config: None }).await?;
    Ok(answer.into_inner().image_ref)
}

fn advise(failure: Failure, image: &str) -> Failure {
    if failure.is(Code::Unauthenticated) || failure.is(Code::PermissionDenied) {
        return failure.or_try(format!("`berth pull --creds USER:PASSWORD {image}`"));
    }
    if failure.is(Code::NotFound) {
        return failure.or_try("another spelling; private images look missing without --creds");
    }
    if failure.is(Code::InvalidArgument) {
        return failure.or_try("a name such as alpine, or registry.example/team/app:1.2");
    }
    failure.or_try("again: what was received is kept")
}
