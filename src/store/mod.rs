//! The register: the only folder that names sqlx.
