//! The messages of TensorBoard's event files and of its hparams plugin that are written here, with the field numbers of
//! `event.proto`, `summary.proto`, `plugin_data.proto` and `api.proto`.

use std::collections::BTreeMap;

use prost::{Message, Oneof};

/// One record of an event file.
#[derive(Clone, PartialEq, Message)]
pub struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    /// Environment steps.
    #[prost(int64, tag = "2")]
    pub step: i64,
    /// In the first record: the version of the format.
    #[prost(string, optional, tag = "3")]
    pub file_version: Option<String>,
    /// In the others: numbers.
    #[prost(message, optional, tag = "5")]
    pub summary: Option<Summary>,
}

/// Numbers of one moment.
#[derive(Clone, PartialEq, Message)]
pub struct Summary {
    /// Each with its name.
    #[prost(message, repeated, tag = "1")]
    pub value: Vec<SummaryValue>,
}

/// `Summary.Value`
#[derive(Clone, PartialEq, Message)]
pub struct SummaryValue {
    /// Name.
    #[prost(string, tag = "1")]
    pub tag: String,
    /// The number.
    #[prost(float, optional, tag = "2")]
    pub simple_value: Option<f32>,
    /// What a plugin reads instead.
    #[prost(message, optional, tag = "9")]
    pub metadata: Option<SummaryMetadata>,
}

/// Whose a value is.
#[derive(Clone, PartialEq, Message)]
pub struct SummaryMetadata {
    /// The plugin's own data.
    #[prost(message, optional, tag = "1")]
    pub plugin_data: Option<PluginData>,
}

/// `SummaryMetadata.PluginData`
#[derive(Clone, PartialEq, Message)]
pub struct PluginData {
    /// `hparams`
    #[prost(string, tag = "1")]
    pub plugin_name: String,
    /// A [`HParamsPluginData`].
    #[prost(bytes = "vec", tag = "2")]
    pub content: Vec<u8>,
}

/// What the hparams plugin reads.
#[derive(Clone, PartialEq, Message)]
pub struct HParamsPluginData {
    /// Which settings and results there are.
    #[prost(message, optional, tag = "2")]
    pub experiment: Option<Experiment>,
    /// The settings of one run.
    #[prost(message, optional, tag = "3")]
    pub session_start_info: Option<SessionStartInfo>,
    /// How it ended.
    #[prost(message, optional, tag = "4")]
    pub session_end_info: Option<SessionEndInfo>,
}

/// Settings and results by name.
#[derive(Clone, PartialEq, Message)]
pub struct Experiment {
    /// Settings.
    #[prost(message, repeated, tag = "4")]
    pub hparam_infos: Vec<HParamInfo>,
    /// Results.
    #[prost(message, repeated, tag = "5")]
    pub metric_infos: Vec<MetricInfo>,
}

/// A setting.
#[derive(Clone, PartialEq, Message)]
pub struct HParamInfo {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// 1 a string, 2 a bool, 3 a number.
    #[prost(int32, tag = "4")]
    pub r#type: i32,
}

/// A result.
#[derive(Clone, PartialEq, Message)]
pub struct MetricInfo {
    /// Its name.
    #[prost(message, optional, tag = "1")]
    pub name: Option<MetricName>,
}

/// The name of a scalar.
#[derive(Clone, PartialEq, Message)]
pub struct MetricName {
    /// The tag.
    #[prost(string, tag = "2")]
    pub tag: String,
}

/// The settings of a run.
#[derive(Clone, PartialEq, Message)]
pub struct SessionStartInfo {
    /// By name.
    #[prost(btree_map = "string, message", tag = "1")]
    pub hparams: BTreeMap<String, Setting>,
    /// Seconds since 1970.
    #[prost(double, tag = "5")]
    pub start_time_secs: f64,
}

/// The end of a run.
#[derive(Clone, PartialEq, Message)]
pub struct SessionEndInfo {
    /// 1 success, 2 failure.
    #[prost(int32, tag = "1")]
    pub status: i32,
    /// Seconds since 1970.
    #[prost(double, tag = "2")]
    pub end_time_secs: f64,
}

/// `google.protobuf.Value`
#[derive(Clone, PartialEq, Message)]
pub struct Setting {
    /// What it is.
    #[prost(oneof = "Kind", tags = "2, 3, 4")]
    pub kind: Option<Kind>,
}

/// A number, a word, or yes or no.
#[derive(Clone, PartialEq, Oneof)]
pub enum Kind {
    /// A number.
    #[prost(double, tag = "2")]
    Number(f64),
    /// A word.
    #[prost(string, tag = "3")]
    Word(String),
    /// Yes or no.
    #[prost(bool, tag = "4")]
    Flag(bool),
}
