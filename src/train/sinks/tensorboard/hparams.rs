//! What TensorBoard's hparams page reads: the settings of a run that are not the defaults, beside its results.

use prost::Message;
use toml::{Table, Value};

use crate::config::Config;
use crate::train::sinks::tensorboard::proto::{
    Experiment, HParamInfo, HParamsPluginData, Kind, MetricInfo, MetricName, PluginData, SessionEndInfo,
    SessionStartInfo, Setting, SummaryMetadata, SummaryValue,
};
use crate::train::sinks::tensorboard::records::now;

/// The results that the page shows.
const RESULTS: [&str; 2] = ["eval/episodic_return", "charts/episodic_return"];

/// What always stands there.
const ALWAYS: [&str; 3] = ["env", "algo", "seed"];

/// The settings that at least one of `members` has otherwise than by default.
pub fn keys(members: &[Config]) -> Vec<String> {
    let table = |config: &Config| Table::try_from(config).unwrap_or_default();
    let usual = table(&Config::default());
    let members: Vec<Table> = members.iter().map(table).collect();
    let told = |key: &String| {
        ALWAYS.contains(&key.as_str()) || members.iter().any(|member| member.get(key) != usual.get(key))
    };
    usual.keys().filter(|key| told(key)).cloned().collect()
}

fn setting(value: &Value) -> Kind {
    match value {
        Value::Float(number) => Kind::Number(*number),
        // JSON and TensorBoard know doubles alone.
        Value::Integer(number) => Kind::Number(*number as f64),
        Value::Boolean(flag) => Kind::Flag(*flag),
        Value::String(word) => Kind::Word(word.clone()),
        other => Kind::Word(other.to_string()),
    }
}

fn value(tag: &str, data: HParamsPluginData) -> SummaryValue {
    let plugin_data = PluginData { plugin_name: "hparams".into(), content: data.encode_to_vec() };
    SummaryValue {
        tag: format!("_hparams_/{tag}"),
        simple_value: None,
        metadata: Some(SummaryMetadata { plugin_data: Some(plugin_data) }),
    }
}

/// Which settings and results there are.
pub fn experiment(keys: &[String], member: &Config) -> SummaryValue {
    let table = Table::try_from(member).unwrap_or_default();
    let info = |key: &String| {
        let r#type = match table.get(key).map(setting) {
            Some(Kind::Number(_)) => 3,
            Some(Kind::Flag(_)) => 2,
            _ => 1,
        };
        HParamInfo { name: key.clone(), r#type }
    };
    let result = |tag: &&str| MetricInfo { name: Some(MetricName { tag: (*tag).into() }) };
    let experiment = Experiment {
        hparam_infos: keys.iter().map(info).collect(),
        metric_infos: RESULTS.iter().map(result).collect(),
    };
    value("experiment", HParamsPluginData { experiment: Some(experiment), ..HParamsPluginData::default() })
}

/// The settings of `member`.
pub fn start(keys: &[String], member: &Config) -> SummaryValue {
    let table = Table::try_from(member).unwrap_or_default();
    let entry = |key: &String| Some((key.clone(), Setting { kind: Some(setting(table.get(key)?)) }));
    let info = SessionStartInfo { hparams: keys.iter().filter_map(entry).collect(), start_time_secs: now() };
    let data = HParamsPluginData { session_start_info: Some(info), ..HParamsPluginData::default() };
    value("session_start_info", data)
}

/// How the run ended.
pub fn end(well: bool) -> SummaryValue {
    let info = SessionEndInfo { status: if well { 1 } else { 2 }, end_time_secs: now() };
    value(
        "session_end_info",
        HParamsPluginData { session_end_info: Some(info), ..HParamsPluginData::default() },
    )
}
