//! PullImage: credentials to the store's form, then the store pulls in a task of its own; a client that goes away
//! cancels the pull unless somebody else waits for it too.
use std::sync::Arc;

use imagestore::{Credentials, Progress, PullHooks};
use proto::cri;

use crate::{
    ctx::Ctx,
    error::{Error, Result},
};

/// Told of every step forward.
pub(crate) type Listener = Arc<dyn Fn(Progress) + Send + Sync>;

/// Pulls and gives the image's id, the one that every list and status shows too.
pub(crate) async fn pull(
    cx: &Arc<Ctx>,
    asked: Option<cri::ImageSpec>,
    auth: Option<cri::AuthConfig>,
    listener: Option<Listener>,
) -> Result<String> {
    let reference = asked.map(|spec| spec.image).unwrap_or_default();
    if reference.is_empty() {
        return Err(Error::invalid("pull image: the image is empty"));
    }
    let context = cx.clone();
    let hooks = PullHooks {
        step: Arc::new(move |name| {
            context.steps.reach_named(name).map_err(|error| std::io::Error::other(error.chain()))
        }),
        progress: listener.unwrap_or_else(|| Arc::new(|_| {})),
    };
    let auth = auth.map(credentials).transpose()?;
    let image = cx.images.pull(&reference, auth, hooks).await?;
    Ok(image.id.to_string())
}

fn credentials(auth: cri::AuthConfig) -> Result<Credentials> {
    let credentials = Credentials {
        username: auth.username,
        password: auth.password,
        server_address: auth.server_address,
        identity_token: auth.identity_token,
        registry_token: auth.registry_token,
    };
    // CRI's `auth` is base64 of user:password; the two fields win where both are given.
    if credentials.username.is_empty() && !auth.auth.is_empty() {
        return Ok(credentials.with_auth(&auth.auth)?);
    }
    Ok(credentials)
}
