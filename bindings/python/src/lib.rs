//! The Python border. This file only lists exports; each room of the core has one file here.
#![allow(clippy::type_complexity, reason = "what `__reduce__` returns is a tuple of tuples")]

mod authority;
mod bytes;
mod error;
mod hash;
mod imprint;
mod imprint_compare;
mod imprint_index;
mod ledger;
mod ledger_format;
mod ledger_note;
mod ledger_place;
mod ledger_verify;
mod pki;
mod rows;
mod sign;

/// The native half of sealcore.
#[pyo3::pymodule]
mod _core {
    use pyo3::prelude::*;

    /// A backend that the environment names wrongly, or requires in vain, fails the import, not a later call.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        sealcore::backends().map_err(crate::error::CoreError)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        // The public names are those of the Python modules; the stub of this one lists everything.
        module.delattr("__all__")
    }

    // hash
    #[pymodule_export]
    use crate::hash::{Hasher, digest, digest_many, hmac, sha256, sm3};
    // sign
    #[pymodule_export]
    use crate::sign::{
        PreparedKey, SigningKey, Verdicts, VerifyingKey, backends, sign_digest_many, sign_many, signature_from_der,
        signature_to_der, verify_digest_many, verify_many,
    };
    // pki
    #[pymodule_export]
    use crate::pki::{
        Certificate, CertificateAuthority, CertificateRequest, CmsDraft, CmsInfo, cms_certificates, dump_private_key,
        dump_public_key, load_certificates, load_private_key, load_public_key, prepare_cms, sign_cms, verify_chain,
        verify_cms,
    };
    // ledger
    #[pymodule_export]
    use crate::ledger::{Entry, EntryIterator, KeyRow, Ledger, LedgerReader, NewEntry, Receipt};
    #[pymodule_export]
    use crate::ledger_format::{
        Checkpoint, anchor_body, decode_body, encode_body, key_add_body, key_revoke_body, key_rotate_body, leaf_hash,
        redact_body, statement_id, statement_message, verify_consistency, verify_inclusion,
    };
    #[pymodule_export]
    use crate::ledger_note::{NoteKey, NoteSigner, Policy, Proof, generate_ed25519_key, tile_width, verify_subtree};
    #[pymodule_export]
    use crate::ledger_verify::{Summary, generate_ledger, sealed_segments, verify_ledger, verify_segment};
    // authority
    #[pymodule_export]
    use crate::authority::{
        AuthorityState, UseToken, authority_audit, authority_decode, authority_encode, authority_kinds, commitment,
    };
    // imprint
    #[pymodule_export]
    use crate::imprint::{Image, Imprint, decode_image, find_imprints, page_count};
    #[pymodule_export]
    use crate::imprint_compare::{
        Comparison, ErrorRate, Evidence, Fingerprint, Part, Registered, compare_imprint, comparison_limits,
        comparison_rates, cut_out, fingerprint_imprint, register_seal,
    };
    #[pymodule_export]
    use crate::imprint_index::{Hit, SealIndex};
}
