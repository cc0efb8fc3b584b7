//! The token of the moment: asked for once, kept until shortly before it ends, replaced when Azure refuses it.

use std::sync::Arc;

use azure_core::credentials::{AccessToken, TokenCredential};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use super::identity::Hidden;

/// Makes credentials. A new one has an empty cache, which is the only way to be given a new token.
pub(crate) type Maker = Box<dyn Fn() -> Arc<dyn TokenCredential> + Send + Sync>;

/// How long before its end a token is no longer used: a request with its retries may take this long.
const MARGIN: Duration = Duration::minutes(2);

pub(crate) struct Tokens {
    make: Maker,
    scope: String,
    state: Mutex<State>,
}

struct State {
    credential: Arc<dyn TokenCredential>,
    token: Option<AccessToken>,
}

impl Tokens {
    pub(crate) fn new(make: Maker, scope: String) -> Self {
        let state = State { credential: make(), token: None };
        Self { make, scope, state: Mutex::new(state) }
    }

    /// A token that is not `refused`, the one that Azure answered 401 to.
    pub(crate) async fn get(&self, refused: Option<&Hidden>) -> Result<Hidden, azure_core::Error> {
        let mut state = self.state.lock().await;
        if let Some(token) = &state.token {
            let fresh = token.expires_on > OffsetDateTime::now_utc() + MARGIN;
            match refused {
                None if fresh => return Ok(Hidden(token.token.secret().to_owned())),
                // Somebody else has renewed it while this request was on its way.
                Some(refused) if fresh && refused.0 != token.token.secret() => {
                    return Ok(Hidden(token.token.secret().to_owned()));
                }
                Some(_) => state.credential = (self.make)(),
                None => {}
            }
        }
        let token = state.credential.get_token(&[&self.scope], None).await?;
        let secret = Hidden(token.token.secret().to_owned());
        state.token = Some(token);
        Ok(secret)
    }
}
