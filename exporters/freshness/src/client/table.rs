//! Datasets and tables as BigQuery writes them (REST v2), as far as we read them. 64-bit numbers
//! come as text.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::schema::Field;

/// The mask of [`Listing`] for the standard parameter `fields`.
pub const LISTING_FIELDS: &str = "tableReference(tableId),type,creationTime,labels";
/// The mask of [`Table`].
pub const FIELDS: &str = "etag,type,creationTime,lastModifiedTime,expirationTime,numRows,numBytes,labels,schema,\
    streamingBuffer,timePartitioning(type),rangePartitioning(field),materializedView(lastRefreshTime),\
    materializedViewStatus(refreshWatermark)";
/// The mask of [`Table`] for one partition.
pub const PARTITION_FIELDS: &str = "lastModifiedTime,numRows";

/// An entry of `DatasetList.datasets`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Dataset {
    pub dataset_reference: DatasetReference,
}

/// `DatasetReference`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct DatasetReference {
    pub dataset_id: String,
}

/// An entry of `TableList.tables`. It has neither sizes nor times of change.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Listing {
    pub table_reference: TableId,
    #[serde(default)]
    pub r#type: String,
    #[serde(default, deserialize_with = "integer")]
    pub creation_time: Option<i64>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// The id within its dataset.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct TableId {
    pub table_id: String,
}

/// `Table`. Times are milliseconds of Unix time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Table {
    pub etag: Option<String>,
    pub r#type: String,
    #[serde(deserialize_with = "integer")]
    pub creation_time: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub last_modified_time: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub expiration_time: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub num_rows: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub num_bytes: Option<i64>,
    pub labels: BTreeMap<String, String>,
    pub schema: Option<Schema>,
    pub streaming_buffer: Option<StreamingBuffer>,
    pub time_partitioning: Option<TimePartitioning>,
    pub range_partitioning: Option<serde::de::IgnoredAny>,
    pub materialized_view: Option<MaterializedView>,
    pub materialized_view_status: Option<MaterializedViewStatus>,
}

/// `TableSchema`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct Schema {
    pub fields: Vec<Field>,
}

/// `Streamingbuffer`; there is none while it is empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct StreamingBuffer {
    #[serde(deserialize_with = "integer")]
    pub oldest_entry_time: Option<i64>,
    #[serde(deserialize_with = "integer")]
    pub estimated_rows: Option<i64>,
}

/// `TimePartitioning`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct TimePartitioning {
    pub r#type: String,
}

/// `MaterializedViewDefinition`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct MaterializedView {
    #[serde(deserialize_with = "integer")]
    pub last_refresh_time: Option<i64>,
}

/// `MaterializedViewStatus`; its watermark is a time in RFC 3339.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct MaterializedViewStatus {
    pub refresh_watermark: Option<jiff::Timestamp>,
}

/// An integer as text or as a number.
pub(super) fn integer<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Wire {
        Text(String),
        Number(i64),
    }
    match Option::<Wire>::deserialize(from)? {
        None => Ok(None),
        Some(Wire::Number(number)) => Ok(Some(number)),
        Some(Wire::Text(text)) => text.parse().map(Some).map_err(|_| serde::de::Error::custom("no integer")),
    }
}
