//! What a field is about, guessed from its Chinese title first and from its name otherwise.

use super::{SampleField, words};

/// What kind of text would be believable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Identity,
    CreditCode,
    Phone,
    BirthDate,
    LaterDate,
    EarlierDate,
    PropertyCertificate,
    UnitNumber,
    ParcelCode,
    Number,
    Sex,
    Address,
    Company,
    Project,
    PersonName,
    /// One of these.
    Words(&'static [&'static str]),
    Unknown,
}

type Rule = (Meaning, &'static [&'static str], &'static [&'static str]);

/// Words of the title, words of the name. First match wins, so the narrower words stand first.
const RULES: &[Rule] = {
    use Meaning as M;
    &[
        (M::Identity, &["身份证号", "身份号码", "证件号", "纳税人识别号"], &["idnumber", "identitynumber"]),
        (M::CreditCode, &["统一社会信用代码"], &["uscc", "creditcode"]),
        (M::Phone, &["电话", "手机"], &["phone", "mobile"]),
        (M::BirthDate, &["出生日期", "出生年月"], &["birthdate", "dateofbirth"]),
        (M::LaterDate, &["期限止", "有效期止", "期止", "到期"], &["validto", "endson", "expires"]),
        (M::EarlierDate, &["日期", "时间", "期限起", "有效期起", "起始日"], &["date", "validfrom", "startson"]),
        (M::PropertyCertificate, &["不动产权证号"], &["propertycertificate"]),
        (M::UnitNumber, &["不动产单元号"], &["unitnumber"]),
        (M::ParcelCode, &["宗地代码", "幢号"], &["parcelcode", "buildingcode"]),
        (M::Sex, &["性别"], &["sex", "gender"]),
        (M::Words(words::PEOPLES), &["民族"], &["ethnicity"]),
        (M::Words(words::MARITAL), &["婚姻状况"], &["maritalstatus"]),
        (M::Words(words::SHARES), &["份额"], &["share"]),
        (M::Words(words::CHILDREN), &["与父"], &[]),
        (M::Words(words::RELATIONS), &["关系"], &["relation"]),
        (M::Words(words::HOUSEHOLDS), &["户别"], &["householdtype"]),
        (M::Words(words::LAND_SOURCES), &["权属来源类型"], &[]),
        (M::Words(words::ORGAN_TYPES), &["机构类别"], &["organtype"]),
        (M::Words(words::COMPANY_TYPES), &["企业类型"], &["enterprisetype", "companytype"]),
        (M::Words(words::FUNDING), &["经费来源"], &["funding"]),
        (M::Words(words::BOUNDARIES), &["四至"], &["boundary"]),
        (M::Words(words::COORDINATES), &["坐标系"], &["coordinatesystem"]),
        (M::Number, &["号", "编号", "代码", "文号", "证字号"], &["number", "code"]),
        (M::Words(words::STATUSES), &["状态"], &["status"]),
        (M::Address, &["地址", "住址", "坐落", "住所", "地点", "位置", "经营场所"], &["address", "place"]),
        (M::Words(words::POLICE), &["派出所"], &["policestation"]),
        (M::Words(words::BANKS), &["贷款人", "抵押权人", "银行"], &["lender", "bank"]),
        (M::Words(words::OFFICES), &["机关", "办公室", "举办单位"], &["authority", "office"]),
        (M::Words(words::HOSPITALS), &["签发机构", "填报机构"], &["hospital"]),
        (M::Words(words::INSTITUTIONS), &["单位名称", "曾用名"], &["institution"]),
        (M::Words(words::SURVEYORS), &["测绘单位"], &["surveyunit", "surveyor"]),
        (M::Project, &["项目名称", "工程名称"], &["project"]),
        (
            M::Company,
            &["企业名称", "建设单位", "施工单位", "经纪机构", "开发企业"],
            &["enterprisename", "company", "agency", "developer"],
        ),
        (M::Words(words::USES), &["用途"], &["use", "usage"]),
        (M::Words(words::STRUCTURES), &["结构"], &["structure"]),
        (M::Words(words::MISSIONS), &["宗旨"], &["purpose"]),
        (M::Words(words::SCOPES), &["经营范围", "业务范围"], &["scope"]),
        (M::Words(words::TAXES), &["税种"], &["taxtype"]),
        (M::Words(words::PAYMENTS), &["付款方式"], &["payment"]),
        (M::Words(words::CHANGES), &["变更项目"], &["changeitem"]),
        (M::Words(words::REASONS), &["原因"], &["reason"]),
        (M::Words(words::KINDS), &["业务类型"], &["category"]),
        (
            M::PersonName,
            &[
                "姓名",
                "负责人",
                "法定代表人",
                "权利人",
                "买受人",
                "出卖人",
                "借款人",
                "纳税人",
                "股东",
                "核实人",
                "使用权人",
            ],
            &["name", "person", "representative"],
        ),
    ]
};

/// The field's meaning; `Unknown` if neither title nor name gives it away.
pub(super) fn of(field: &SampleField) -> Meaning {
    let name = field.name.to_lowercase();
    let title = title_without_unit(&field.title);
    by(|titles, _| titles.iter().any(|word| if *word == "号" { title.ends_with(word) } else { title.contains(word) }))
        .or_else(|| by(|_, names| names.iter().any(|word| name.contains(word))))
        .unwrap_or(Meaning::Unknown)
}

fn by(matches: impl Fn(&[&str], &[&str]) -> bool) -> Option<Meaning> {
    RULES.iter().find(|(_, titles, names)| matches(titles, names)).map(|(meaning, _, _)| *meaning)
}

/// `成交总价（元）` is about `成交总价`.
pub(super) fn title_without_unit(title: &str) -> &str {
    title.split_once('（').filter(|(before, _)| !before.is_empty()).map_or(title, |(before, _)| before)
}

/// The role that a field's person plays: `spouseName` and `spouseIdNumber` speak of `spouse`.
pub(super) fn role(name: &str) -> &str {
    const ENDS: [&str; 8] = ["IdNumber", "idNumber", "BirthDate", "birthDate", "Name", "name", "Sex", "sex"];
    ENDS.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample::ValueKind;

    fn meaning(name: &str, title: &str) -> Meaning {
        of(&SampleField { name: name.into(), title: title.into(), path: String::new(), kind: ValueKind::String })
    }

    #[test]
    fn titles_speak_before_names() {
        assert_eq!(meaning("spouseIdNumber", "配偶身份证号"), Meaning::Identity);
        assert_eq!(meaning("certificateNumber", "不动产权证号"), Meaning::PropertyCertificate);
        assert_eq!(meaning("certificateNumber", "婚姻证字号"), Meaning::Number);
        assert_eq!(meaning("mortgageeName", "抵押权人"), Meaning::Words(words::BANKS));
        assert_eq!(meaning("validTo", "有效期止"), Meaning::LaterDate);
        assert_eq!(meaning("phone", "Contact"), Meaning::Phone);
        assert_eq!(meaning("whatever", "其他"), Meaning::Unknown);
    }

    #[test]
    fn fields_of_one_person_share_a_role() {
        assert_eq!((role("spouseName"), role("spouseIdNumber")), ("spouse", "spouse"));
        assert_eq!((role("name"), role("idNumber")), ("", ""));
        assert_eq!(role("legalRepresentative"), role("legalRepresentativeIdNumber"));
    }
}
