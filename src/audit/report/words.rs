//! The page's two languages. Each sentence stands beside its translation where it is used.

/// A language of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    #[default]
    Zh,
    En,
}

impl Lang {
    /// The one of two texts that is meant.
    pub(super) fn say(self, en: &'static str, zh: &'static str) -> &'static str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }

    pub(super) fn pick(self, said: &crate::audit::inspection::Said) -> &str {
        match self {
            Self::Zh => &said.zh,
            Self::En => &said.en,
        }
    }

    pub(super) fn tag(self) -> &'static str {
        self.say("en", "zh-CN")
    }

    /// What a check is called.
    pub(super) fn check(self, check: crate::api::v1alpha1::audit_policy::Check) -> &'static str {
        use crate::api::v1alpha1::audit_policy::Check;
        match check {
            Check::ConsentMissing => self.say("Consent missing", "缺少授权凭证"),
            Check::OutsideApproval => self.say("Outside of the approval", "超出批准范围"),
            Check::UnusedGrant => self.say("Grant not used", "授权长期未使用"),
            Check::BulkHarvest => self.say("Bulk harvest", "批量查询"),
            Check::OffHours => self.say("Outside of office hours", "非工作时间调用"),
            Check::RotationOverdue => self.say("Rotation overdue", "凭证逾期未更换"),
            Check::RecallOverdue => self.say("Recall overdue", "数据逾期未收回"),
            Check::MigrationOverdue => self.say("Migration overdue", "直连逾期未迁移"),
            Check::LogGap => self.say("Gap in the record", "日志缺失"),
        }
    }

    /// What a code of a refusal means; a code that is not known stands for itself.
    pub(super) fn code(self, code: &str) -> &str {
        let Self::Zh = self else { return code };
        match code {
            "request-invalid" => "请求格式无效",
            "parameter-refused" => "参数被拒绝",
            "user-required" => "未注明用户",
            "case-required" => "未注明办件",
            "consent-required" => "未注明授权凭证",
            "credential-missing" => "缺少访问凭证",
            "credential-invalid" => "访问凭证无效",
            "credential-expired" => "访问凭证过期",
            "grant-not-yet-valid" => "授权尚未生效",
            "grant-expired" => "授权已到期",
            "grant-revoked" => "授权已撤销",
            "grant-suspended" => "授权已暂停",
            "grant-superseded" => "授权已被取代",
            "unit-revoked" => "单位已被取消权限",
            "system-revoked" => "系统已被取消权限",
            "person-revoked" => "人员已被取消权限",
            "source-refused" => "来源地址不符",
            "operation-not-granted" => "接口操作未获批准",
            "user-refused" => "用户未获批准",
            "upstream-not-found" => "来源系统无此数据",
            "quota-exceeded" => "超出调用限额",
            "upstream-unreachable" => "来源系统不可达",
            "upstream-status" => "来源系统返回异常状态",
            "upstream-invalid" => "来源系统数据无效",
            "response-too-large" => "返回数据过大",
            "view-stale" => "授权信息过旧",
            "record-unavailable" => "无法记录日志",
            "upstream-timeout" => "来源系统超时",
            other => other,
        }
    }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
