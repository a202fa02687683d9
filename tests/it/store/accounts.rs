//! Agencies, keys, accounts and API keys.

use super::samples::{AGENCY, account, agency, begun, now, other_agency};
use crate::support::stores::both;
use dauso::access::{Caller, Role};
use dauso::digest::Sha256;
use dauso::key::PublicKey;
use dauso::private::Private;
use dauso::store::{Account, Agency, ApiKey, Conflict, Key, Purpose, StoreError, TypeScope};

#[test]
fn an_agency_comes_back_and_its_codes_are_unique() {
    both(async |register| {
        let mut tx = register.store.begin().await.unwrap();
        tx.add_agency(&agency()).await.unwrap();
        tx.add_agency(&other_agency()).await.unwrap();
        assert_eq!(tx.agency(AGENCY).await.unwrap(), Some(agency()));
        assert_eq!(tx.agencies().await.unwrap(), [other_agency(), agency()]);
        for taken in [
            Agency {
                issuer: "NEW".into(),
                ..agency()
            },
            Agency {
                code: "000.00.99.H99".into(),
                ..agency()
            },
        ] {
            let refused = tx.add_agency(&taken).await;
            assert!(matches!(
                refused,
                Err(StoreError::Conflict(Conflict::Agency))
            ));
        }
        let moved = Agency {
            phone: Some("0000".into()),
            seal: None,
            ..agency()
        };
        tx.update_agency(&moved).await.unwrap();
        assert_eq!(tx.agency(AGENCY).await.unwrap(), Some(moved));
        let unknown = Agency {
            code: "none".into(),
            ..agency()
        };
        let refused = tx.update_agency(&unknown).await;
        assert!(matches!(refused, Err(StoreError::Missing("agency"))));
    });
}

fn key(byte: u8, agency: Option<&str>, purpose: Purpose) -> Key {
    let mut point = [byte; 65];
    point[0] = 4;
    Key {
        public: PublicKey::from_p256_point(&point).expect("a point"),
        agency: agency.map(Into::into),
        purpose,
        chain_pem: String::new(),
        not_before: now().plus(i64::from(byte)),
        not_after: now().plus(1_000),
        file: format!("{byte}.p8"),
        types: TypeScope::Only(vec![1, 2]),
        retired_at: None,
    }
}

#[test]
fn the_newest_key_that_may_sign_comes_first_and_retired_ones_stay_known() {
    both(async |register| {
        begun(&register.store).await.unwrap();
        let mut tx = register.store.begin().await.unwrap();
        let old = key(1, Some(AGENCY), Purpose::Credential);
        let new = key(2, Some(AGENCY), Purpose::Credential);
        let operator = Key {
            types: TypeScope::Every,
            ..key(3, None, Purpose::Operator)
        };
        for key in [&old, &new, &operator] {
            tx.add_key(key).await.unwrap();
        }
        let again = tx.add_key(&old).await;
        assert!(matches!(again, Err(StoreError::Conflict(Conflict::Key))));
        let at = now().plus(10);
        let signing = tx
            .signing_keys(Purpose::Credential, Some(AGENCY), at)
            .await
            .unwrap();
        assert_eq!(signing, [new.clone(), old.clone()]);
        let signing = tx.signing_keys(Purpose::Operator, None, at).await.unwrap();
        assert_eq!(signing, [operator]);
        for (early, late) in [(now(), now().plus(1_001))] {
            for at in [early, late] {
                let none = tx
                    .signing_keys(Purpose::Credential, Some(AGENCY), at)
                    .await
                    .unwrap();
                assert_eq!(none, [], "{at}");
            }
        }
        let fingerprint = new.public.fingerprint();
        tx.retire_key(&fingerprint, at).await.unwrap();
        let twice = tx.retire_key(&fingerprint, at).await;
        assert!(matches!(twice, Err(StoreError::Missing("key in use"))));
        let signing = tx
            .signing_keys(Purpose::Credential, Some(AGENCY), at)
            .await
            .unwrap();
        assert_eq!(signing, [old]);
        let retired = Key {
            retired_at: Some(at),
            ..new
        };
        assert_eq!(tx.key(&fingerprint).await.unwrap(), Some(retired));
        assert_eq!(tx.keys().await.unwrap().len(), 3);
    });
}

#[test]
fn an_account_comes_back_and_its_login_is_unique() {
    both(async |register| {
        begun(&register.store).await.unwrap();
        let mut tx = register.store.begin().await.unwrap();
        let mut registrar = account("registrar", Role::Registrar);
        tx.add_account(&registrar).await.unwrap();
        let hash = Private::new(String::from("$argon2id$…"));
        tx.set_password_hash("registrar", &hash).await.unwrap();
        registrar.password_hash = Some(hash.clone());
        let found = tx.account_of_login(&registrar.login).await.unwrap();
        assert_eq!(found, Some(registrar.clone()));
        assert_eq!(
            tx.account("registrar").await.unwrap(),
            Some(registrar.clone())
        );
        assert_eq!(tx.accounts(AGENCY).await.unwrap(), [registrar.clone()]);
        assert_eq!(tx.account("nobody").await.unwrap(), None);
        let taken = Account {
            id: "another".into(),
            ..registrar
        };
        let refused = tx.add_account(&taken).await;
        assert!(matches!(
            refused,
            Err(StoreError::Conflict(Conflict::Login))
        ));
        let refused = tx.set_password_hash("nobody", &hash).await;
        assert!(matches!(refused, Err(StoreError::Missing("account"))));
    });
}

#[test]
fn an_api_key_opens_until_it_or_its_account_ends() {
    both(async |register| {
        begun(&register.store).await.unwrap();
        let mut tx = register.store.begin().await.unwrap();
        tx.add_account(&account("inspector", Role::Inspector))
            .await
            .unwrap();
        let keys = [b"first", b"other"].map(|secret| ApiKey {
            digest: Sha256::of(secret),
            account: "inspector".into(),
            label: "điện thoại".into(),
            created_at: now(),
            expires_at: Some(now().plus(60)),
            revoked_at: None,
        });
        for key in &keys {
            tx.add_api_key(key).await.unwrap();
        }
        let again = tx.add_api_key(&keys[0]).await;
        assert!(matches!(again, Err(StoreError::Conflict(Conflict::ApiKey))));
        let inspector = Caller {
            account: "inspector".into(),
            role: Role::Inspector,
            agency: AGENCY.into(),
        };
        assert_eq!(
            tx.caller(&keys[0].digest, now()).await.unwrap(),
            Some(inspector.clone())
        );
        assert_eq!(tx.caller(&Sha256::of(b"none"), now()).await.unwrap(), None);
        let last = tx.caller(&keys[0].digest, now().plus(60)).await.unwrap();
        assert_eq!(last, Some(inspector.clone()));
        let late = tx.caller(&keys[0].digest, now().plus(61)).await.unwrap();
        assert_eq!(late, None);
        tx.revoke_api_key(&keys[0].digest, now()).await.unwrap();
        assert_eq!(tx.caller(&keys[0].digest, now()).await.unwrap(), None);
        assert_eq!(
            tx.caller(&keys[1].digest, now()).await.unwrap(),
            Some(inspector)
        );
        let known = tx.api_keys("inspector").await.unwrap();
        let revoked = known.iter().filter(|key| key.revoked_at.is_some()).count();
        assert_eq!((known.len(), revoked), (2, 1));
        tx.disable_account("inspector", now()).await.unwrap();
        assert_eq!(tx.caller(&keys[1].digest, now()).await.unwrap(), None);
        let twice = tx.disable_account("inspector", now()).await;
        assert!(matches!(twice, Err(StoreError::Missing("account in use"))));
    });
}
