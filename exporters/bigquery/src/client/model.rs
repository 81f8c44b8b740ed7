//! A job as BigQuery writes it (REST v2 `Job`, and `JobList.jobs`, which is a part of it), as far
//! as we read it. 64-bit numbers come as text.

use std::borrow::Cow;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
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

/// One job. Its texts lie in the answer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Job<'a> {
    #[serde(borrow, default)]
    pub job_reference: Reference<'a>,
    #[serde(borrow, default)]
    pub status: Status<'a>,
    #[serde(rename = "user_email", borrow, default)]
    pub user_email: Text<'a>,
    #[serde(rename = "principal_subject", borrow, default)]
    pub principal_subject: Text<'a>,
    #[serde(borrow, default)]
    pub configuration: Configuration<'a>,
    #[serde(borrow, default)]
    pub statistics: Statistics<'a>,
}

/// `JobReference`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Reference<'a> {
    #[serde(borrow, default)]
    pub job_id: Text<'a>,
    #[serde(borrow, default)]
    pub location: Text<'a>,
}

/// `JobStatus`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Status<'a> {
    #[serde(borrow, default)]
    pub state: Text<'a>,
    #[serde(borrow)]
    pub error_result: Option<ErrorProto<'a>>,
}

/// `ErrorProto`; its message may hold row data and is not read.
#[derive(Debug, Default, Deserialize)]
#[allow(missing_docs)]
pub struct ErrorProto<'a> {
    #[serde(borrow, default)]
    pub reason: Text<'a>,
}

/// `JobConfiguration`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Configuration<'a> {
    #[serde(borrow, default)]
    pub job_type: Text<'a>,
    #[serde(default)]
    pub dry_run: bool,
    #[serde(borrow, default)]
    pub labels: Labels<'a>,
    #[serde(borrow, default)]
    pub query: QueryConfiguration<'a>,
}

/// `JobConfigurationQuery`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct QueryConfiguration<'a> {
    #[serde(borrow, default)]
    pub priority: Text<'a>,
    #[serde(default)]
    pub continuous: bool,
}

/// `JobStatistics`. Times are milliseconds of Unix time.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Statistics<'a> {
    pub creation_time: Option<Int>,
    pub start_time: Option<Int>,
    pub end_time: Option<Int>,
    pub total_slot_ms: Option<Int>,
    pub total_bytes_processed: Option<Int>,
    #[serde(rename = "reservation_id", borrow, default)]
    pub reservation_id: Text<'a>,
    pub num_child_jobs: Option<Int>,
    #[serde(borrow, default)]
    pub query: QueryStatistics<'a>,
}

/// `JobStatistics2`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct QueryStatistics<'a> {
    #[serde(borrow, default)]
    pub statement_type: Text<'a>,
    pub cache_hit: Option<bool>,
    pub total_bytes_billed: Option<Int>,
    #[serde(borrow, default)]
    pub bi_engine_statistics: BiEngine<'a>,
    #[serde(default)]
    pub performance_insights: Insights,
    #[serde(default)]
    pub timeline: Timeline,
}

/// `BiEngineStatistics`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct BiEngine<'a> {
    #[serde(borrow, default)]
    pub bi_engine_mode: Text<'a>,
}

/// `PerformanceInsights`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Insights {
    #[serde(default)]
    pub stage_performance_standalone_insights: Vec<Standalone>,
    #[serde(default)]
    pub stage_performance_change_insights: Vec<Change>,
}

/// `StagePerformanceStandaloneInsight`; of objects only whether they are there is of use.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Standalone {
    #[serde(default)]
    pub slot_contention: bool,
    #[serde(default)]
    pub insufficient_shuffle_quota: bool,
    #[serde(default)]
    pub high_cardinality_joins: Vec<IgnoredAny>,
    pub partition_skew: Option<IgnoredAny>,
}

/// `StagePerformanceChangeInsight`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Change {
    pub input_data_change: Option<IgnoredAny>,
}

/// `QueryTimelineSample`: what the query had used so long after its start.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TimelinePoint {
    #[serde(default)]
    elapsed_ms: Int,
    #[serde(default)]
    total_slot_ms: Int,
}

/// Milliseconds after the start, and slot-milliseconds used until then.
#[derive(Debug, Default)]
pub struct Timeline(pub Vec<(i64, i64)>);

/// Text that lies in the answer unless it holds an escape; empty if it is not there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, str>);

/// Labels.
#[derive(Debug, Default)]
pub struct Labels<'a>(pub Vec<(Text<'a>, Text<'a>)>);

/// A whole number that comes as text (int64) or as a number (int32).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Int(pub i64);

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(IntVisitor)
    }
}

struct IntVisitor;

impl Visitor<'_> for IntVisitor {
    type Value = Int;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a whole number, as text or number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Int, E> {
        text.parse().map(Int).map_err(|_| E::custom("no whole number"))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Int, E> {
        i64::try_from(number).map(Int).map_err(|_| E::custom("no 64-bit number"))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Int, E> {
        Ok(Int(number))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Labels<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(LabelsVisitor)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels<'de>, A::Error> {
        let mut labels = Vec::new();
        while let Some(label) = map.next_entry()? {
            labels.push(label);
        }
        Ok(Labels(labels))
    }
}

impl<'de> Deserialize<'de> for Timeline {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(TimelineVisitor)
    }
}

struct TimelineVisitor;

impl<'de> Visitor<'de> for TimelineVisitor {
    type Value = Timeline;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a timeline")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Timeline, A::Error> {
        let mut points = Vec::with_capacity(16);
        while let Some(TimelinePoint { elapsed_ms, total_slot_ms }) = list.next_element()? {
            points.push((elapsed_ms.0, total_slot_ms.0));
        }
        Ok(Timeline(points))
    }
}
