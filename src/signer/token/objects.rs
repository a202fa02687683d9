//! The objects of a token: finding a key, reading its public half, making one.

use super::TokenError;
use super::address::Address;
use crate::key::{Algorithm, PublicKey};
use crate::pki::rsa_public_key_info;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use der::Decode as _;
use der::asn1::OctetStringRef;
use ring::rand::{SecureRandom as _, SystemRandom};

/// The curve P-256 as a token wants it: the DER of its object identifier (X9.62).
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// Bits of an RSA key that we make (ASVS 5.0 V11.2.3).
const RSA_BITS: u64 = 3_072;

/// 65537
const EXPONENT: [u8; 3] = [1, 0, 1];

/// Bytes of a new `CKA_ID`.
const ID: usize = 16;

/// A `CKA_ID` that no other key has.
pub(super) fn new_id() -> Result<Vec<u8>, TokenError> {
    let mut id = vec![0; ID];
    let filled = SystemRandom::new().fill(&mut id);
    filled.map_err(|_| TokenError::NoRandomness)?;
    Ok(id)
}

/// The one private key that an address names.
pub(super) fn private_key(
    session: &Session,
    address: &Address,
) -> Result<ObjectHandle, TokenError> {
    let found = session.find_objects(&template(ObjectClass::PRIVATE_KEY, address))?;
    match found.as_slice() {
        [only] => Ok(*only),
        [] => Err(TokenError::NoKey),
        _ => Err(TokenError::SeveralKeys),
    }
}

/// Its public half.
pub(super) fn public_key(session: &Session, address: &Address) -> Result<PublicKey, TokenError> {
    let found = session.find_objects(&template(ObjectClass::PUBLIC_KEY, address))?;
    let [object] = found.as_slice() else {
        return Err(TokenError::PublicKey);
    };
    read_public_key(session, *object)
}

fn read_public_key(session: &Session, object: ObjectHandle) -> Result<PublicKey, TokenError> {
    let kinds = [AttributeType::KeyType];
    let kind = session.get_attributes(object, &kinds)?;
    match kind.as_slice() {
        [Attribute::KeyType(KeyType::EC)] => {
            let wanted = [AttributeType::EcParams, AttributeType::EcPoint];
            let attributes = session.get_attributes(object, &wanted)?;
            let [Attribute::EcParams(curve), Attribute::EcPoint(point)] = attributes.as_slice()
            else {
                return Err(TokenError::PublicKey);
            };
            if *curve != P256 {
                return Err(TokenError::PublicKey);
            }
            // PKCS #11 v3.1 §6.3.3 wraps the point into an OCTET STRING; some tokens do not.
            let bare =
                <&OctetStringRef>::from_der(point).map_or(point.as_slice(), |it| it.as_bytes());
            PublicKey::from_p256_point(bare).map_err(|_| TokenError::PublicKey)
        }
        [Attribute::KeyType(KeyType::RSA)] => {
            let wanted = [AttributeType::Modulus, AttributeType::PublicExponent];
            let attributes = session.get_attributes(object, &wanted)?;
            let [
                Attribute::Modulus(modulus),
                Attribute::PublicExponent(exponent),
            ] = attributes.as_slice()
            else {
                return Err(TokenError::PublicKey);
            };
            let spki = rsa_public_key_info(modulus, exponent);
            PublicKey::from_spki(&spki).map_err(|_| TokenError::PublicKey)
        }
        _ => Err(TokenError::PublicKey),
    }
}

/// Makes a key pair that stays in the token and cannot be taken out of it.
pub(super) fn make_key(
    session: &Session,
    address: &Address,
    algorithm: Algorithm,
) -> Result<PublicKey, TokenError> {
    let (mechanism, kind) = match algorithm {
        Algorithm::Es256 => (
            Mechanism::EccKeyPairGen,
            vec![Attribute::EcParams(P256.to_vec())],
        ),
        Algorithm::Ps256 => (
            Mechanism::RsaPkcsKeyPairGen,
            vec![
                Attribute::ModulusBits(RSA_BITS.into()),
                Attribute::PublicExponent(EXPONENT.to_vec()),
            ],
        ),
    };
    let mut public = template(ObjectClass::PUBLIC_KEY, address);
    public.extend([Attribute::Token(true), Attribute::Verify(true)]);
    public.extend(kind);
    let mut private = template(ObjectClass::PRIVATE_KEY, address);
    private.extend([
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
    ]);
    let (public, _) = session.generate_key_pair(&mechanism, &public, &private)?;
    read_public_key(session, public)
}

fn template(class: ObjectClass, address: &Address) -> Vec<Attribute> {
    let mut wanted = vec![Attribute::Class(class)];
    wanted.extend(address.id.clone().map(Attribute::Id));
    let label = address.object.as_ref();
    wanted.extend(label.map(|label| Attribute::Label(label.as_bytes().to_vec())));
    wanted
}
