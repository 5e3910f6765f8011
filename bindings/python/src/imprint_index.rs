//! The index of a registry.

use crate::error::{CoreError, PyCoreResult};
use crate::imprint_compare::Fingerprint;
use pyo3::prelude::*;
use sealcore::imprint;
use std::path::PathBuf;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A registered seal that may have made an imprint.
#[pyclass(frozen, get_all, module = "sealcore.imprint")]
pub(crate) struct Hit {
    /// The name under which it was added.
    name: String,
    /// Its place in the index, from 0.
    position: u64,
    /// In how many of the 2,048 bits of the code it differs.
    distance: u32,
    /// The correlation at the best rotation, -1 to 1.
    score: f64,
    /// How the questioned imprint is turned against it, degrees counter-clockwise.
    angle: f64,
}

#[pymethods]
impl Hit {
    fn __repr__(&self) -> String {
        format!("Hit({:?}, score {:.3}, distance {}, angle {:.1})", self.name, self.score, self.distance, self.angle)
    }
}

fn hits(found: Vec<imprint::Hit>) -> Vec<Hit> {
    let hit = |h: imprint::Hit| Hit {
        name: h.name,
        position: h.position,
        distance: h.distance,
        score: h.score,
        angle: h.angle,
    };
    found.into_iter().map(hit).collect()
}

/// An append-only file of fingerprints, searched exactly.
#[pyclass(frozen, module = "sealcore.imprint")]
pub(crate) struct SealIndex {
    path: PathBuf,
    index: RwLock<imprint::Index>,
}

impl SealIndex {
    fn read(&self) -> RwLockReadGuard<'_, imprint::Index> {
        self.index.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, imprint::Index> {
        self.index.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[pymethods]
impl SealIndex {
    /// A new, empty index file.
    #[staticmethod]
    fn create(py: Python<'_>, path: PathBuf) -> PyCoreResult<Self> {
        let index = py.detach(|| imprint::Index::create(&path))?;
        Ok(SealIndex { path, index: RwLock::new(index) })
    }

    /// An index file that exists.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyCoreResult<Self> {
        let index = py.detach(|| imprint::Index::open(&path))?;
        Ok(SealIndex { path, index: RwLock::new(index) })
    }

    /// The path of the file.
    #[getter]
    fn path(&self) -> PathBuf {
        self.path.clone()
    }

    fn __len__(&self) -> usize {
        self.read().len()
    }

    /// Add a seal; returns its position.
    fn add(&self, py: Python<'_>, name: &str, fingerprint: &Fingerprint) -> PyCoreResult<u64> {
        Ok(py.detach(|| self.write().add(name, &fingerprint.0))?)
    }

    /// The name and the fingerprint at a position.
    fn get(&self, py: Python<'_>, position: usize) -> PyCoreResult<(String, Fingerprint)> {
        let (name, fingerprint) = py.detach(|| self.read().get(position))?;
        Ok((name, Fingerprint(fingerprint)))
    }

    /// Everything that was added is on the disk when this returns.
    fn sync(&self, py: Python<'_>) -> PyCoreResult<()> {
        Ok(py.detach(|| self.read().sync())?)
    }

    /// The seals most like an imprint, best first.
    #[pyo3(signature = (fingerprint, limit, /))]
    fn search(&self, py: Python<'_>, fingerprint: &Fingerprint, limit: usize) -> PyCoreResult<Vec<Hit>> {
        Ok(hits(py.detach(|| self.read().search(&fingerprint.0, limit))?))
    }

    /// Many searches at once.
    #[pyo3(signature = (fingerprints, limit, threads, /))]
    fn search_many(
        &self,
        py: Python<'_>,
        fingerprints: Vec<PyRef<'_, Fingerprint>>,
        limit: usize,
        threads: usize,
    ) -> PyCoreResult<Vec<Vec<Hit>>> {
        let queries: Vec<&imprint::Fingerprint> = fingerprints.iter().map(|f| &f.0).collect();
        let found = py.detach(|| self.read().search_many(&queries, limit, threads)).map_err(CoreError)?;
        Ok(found.into_iter().map(hits).collect())
    }

    fn __repr__(&self) -> String {
        format!("SealIndex({}, {} seals)", self.path.display(), self.__len__())
    }
}
