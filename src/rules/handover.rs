//! Hands rules that have changed from the config to those at work.
//!
//! Only the newest matter: rules that nobody has taken yet give way to newer ones.

use std::sync::Arc;

use tokio::sync::watch;

use super::rule::RuleSettings;

/// Rules on their way; `None` until some have changed.
type Rules = Option<Arc<[RuleSettings]>>;

/// The end of whoever reads the config. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handover {
    newest: watch::Sender<Rules>,
}

/// The end of whoever has the rules at work. Clones each see what is handed over.
#[derive(Clone, Debug)]
pub struct NewRules {
    newest: watch::Receiver<Rules>,
}

/// Both ends.
pub fn handover() -> (Handover, NewRules) {
    let (sender, receiver) = watch::channel(None);
    (Handover { newest: sender }, NewRules { newest: receiver })
}

impl Handover {
    /// Hands all rules over, in place of all that were before. False if nobody takes
    /// them: then they hold after a restart.
    pub fn replace(&self, rules: Vec<RuleSettings>) -> bool {
        self.newest.send(Some(rules.into())).is_ok()
    }
}

impl NewRules {
    /// The next rules, once some are handed over. Cancel-safe; waits for ever when
    /// nobody hands over any more.
    pub async fn next(&mut self) -> Arc<[RuleSettings]> {
        loop {
            if self.newest.changed().await.is_err() {
                return std::future::pending().await;
            }
            let newest = self.newest.borrow_and_update().clone();
            if let Some(rules) = newest {
                return rules;
            }
        }
    }

    /// What was handed over last, for whoever begins anew after a failure.
    pub fn newest(&self) -> Option<Arc<[RuleSettings]>> {
        self.newest.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn named(names: &[&str]) -> Vec<RuleSettings> {
        names.iter().map(|name| RuleSettings::new(*name)).collect()
    }

    async fn next(new: &mut NewRules) -> Option<String> {
        let rules = timeout(Duration::from_secs(9), new.next()).await.ok()?;
        let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        Some(names.join(" "))
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_rules_come_once() {
        let (handover, mut new) = handover();
        assert!(next(&mut new).await.is_none() && new.newest().is_none());
        assert!(handover.replace(named(&["a"])));
        assert!(handover.replace(named(&["b", "c"])));
        assert_eq!(next(&mut new).await.as_deref(), Some("b c"));
        assert_eq!(next(&mut new).await, None);
        assert_eq!(new.newest().unwrap().len(), 2);
        // No rules are rules too.
        assert!(handover.replace(Vec::new()));
        assert_eq!(next(&mut new).await.as_deref(), Some(""));
        drop(handover);
        assert_eq!(next(&mut new).await, None);
    }

    #[test]
    fn without_a_taker_it_says_so() {
        let (handover, new) = handover();
        drop(new);
        assert!(!handover.replace(named(&["a"])));
    }
}
