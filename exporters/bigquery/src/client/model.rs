//! A job as BigQuery writes it (REST v2 `Job`, and `JobList.jobs`, which is a part of it), as far
//! as we read it. 64-bit numbers come as text.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// The mask of [`Job`] for the standard parameter `fields`: without it a job carries its query
/// text, its plan and its schema. The timeline is what the what-if needs.
pub fn fields(timeline: bool) -> String {
    let timeline = if timeline { ",timeline(elapsedMs,totalSlotMs)" } else { "" };
    format!(
        "jobReference(jobId,location),status(state,errorResult(reason)),user_email,principal_subject,\
        configuration(jobType,dryRun,labels,query(priority,continuous)),\
        statistics(creationTime,startTime,endTime,totalSlotMs,totalBytesProcessed,reservation_id,numChildJobs,\
        parentJobId,query(statementType,cacheHit,totalBytesBilled,biEngineStatistics(biEngineMode),performanceInsights\
        (stagePerformanceStandaloneInsights(slotContention,insufficientShuffleQuota,highCardinalityJoins(stepIndex),\
        partitionSkew),stagePerformanceChangeInsights(inputDataChange(recordsReadDiffPercentage))){timeline}))"
    )
}

/// One job.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Job {
    pub job_reference: Reference,
    pub status: Status,
    #[serde(rename = "user_email")]
    pub user_email: Option<String>,
    #[serde(rename = "principal_subject")]
    pub principal_subject: Option<String>,
    pub configuration: Option<Configuration>,
    pub statistics: Statistics,
}

/// `JobReference`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Reference {
    pub job_id: String,
    pub location: String,
}

/// `JobStatus`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Status {
    pub state: String,
    pub error_result: Option<ErrorProto>,
}

/// `ErrorProto`; its message may hold row data and is not read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct ErrorProto {
    pub reason: String,
}

/// `JobConfiguration`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Configuration {
    pub job_type: String,
    pub dry_run: bool,
    pub labels: BTreeMap<String, String>,
    pub query: Option<QueryConfiguration>,
}

/// `JobConfigurationQuery`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct QueryConfiguration {
    pub priority: Option<String>,
    pub continuous: bool,
}

/// `JobStatistics`. Times are milliseconds of Unix time.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Statistics {
    pub creation_time: Option<Int>,
    pub start_time: Option<Int>,
    pub end_time: Option<Int>,
    pub total_slot_ms: Option<Int>,
    pub total_bytes_processed: Option<Int>,
    #[serde(rename = "reservation_id")]
    pub reservation_id: Option<String>,
    pub num_child_jobs: Option<Int>,
    pub parent_job_id: Option<String>,
    pub query: Option<QueryStatistics>,
}

/// `JobStatistics2`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct QueryStatistics {
    pub statement_type: Option<String>,
    pub cache_hit: Option<bool>,
    pub total_bytes_billed: Option<Int>,
    pub bi_engine_statistics: Option<BiEngine>,
    pub performance_insights: Option<Insights>,
    pub timeline: Vec<TimelinePoint>,
}

/// `BiEngineStatistics`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct BiEngine {
    pub bi_engine_mode: String,
}

/// `PerformanceInsights`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Insights {
    pub stage_performance_standalone_insights: Vec<Standalone>,
    pub stage_performance_change_insights: Vec<Change>,
}

/// `StagePerformanceStandaloneInsight`; of objects only whether they are there is of use.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Standalone {
    pub slot_contention: bool,
    pub insufficient_shuffle_quota: bool,
    pub high_cardinality_joins: Vec<serde::de::IgnoredAny>,
    pub partition_skew: Option<serde::de::IgnoredAny>,
}

/// `StagePerformanceChangeInsight`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct Change {
    pub input_data_change: Option<serde::de::IgnoredAny>,
}

/// `QueryTimelineSample`: what the query had used so long after its start.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct TimelinePoint {
    pub elapsed_ms: Int,
    pub total_slot_ms: Int,
}

/// A whole number that comes as text (int64) or as a number (int32).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Int(pub i64);

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(IntVisitor)
    }
}

struct IntVisitor;

impl serde::de::Visitor<'_> for IntVisitor {
    type Value = Int;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a whole number, as text or number")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Int, E> {
        text.parse().map(Int).map_err(|_| E::custom("no whole number"))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Int, E> {
        i64::try_from(number).map(Int).map_err(|_| E::custom("no 64-bit number"))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Int, E> {
        Ok(Int(number))
    }
}
