//! The words that invented values are put together from. Streets, companies and people are made up.

pub(super) const SURNAMES: &[&str] = &[
    "赵", "钱", "孙", "李", "周", "吴", "郑", "王", "冯", "陈", "褚", "卫", "蒋", "沈", "韩", "杨", "朱", "秦", "许",
    "何",
];
pub(super) const GIVEN_MALE: &[&str] =
    &["示强", "例明", "虚舟", "拟川", "仿平", "泉生", "试航", "样林", "甲一", "乙山", "丙辰", "丁宁"];
pub(super) const GIVEN_FEMALE: &[&str] =
    &["示芳", "例静", "虚怀", "拟荷", "仿玉", "泉韵", "试文", "样云", "甲秀", "乙兰", "丙月", "丁香"];
pub(super) const DISTRICTS: &[&str] = &["示例一区", "示例二区", "示例三区", "示例新区"];
pub(super) const STREETS: &[&str] =
    &["虚泉路", "拟荷街", "样柳大道", "仿山路", "试航街", "无名泉巷", "例湖东路", "示范北街"];
pub(super) const ESTATES: &[&str] = &["虚泉花园", "拟荷雅居", "样柳小区", "仿山新苑", "例湖公馆"];
pub(super) const COMPANIES: &[&str] = &["虚泉", "拟荷", "样柳", "仿山", "试航", "例湖"];
pub(super) const TRADES: &[&str] = &["置业", "建设", "商贸", "科技", "物业", "实业"];
pub(super) const COMPANY_TYPES: &[&str] = &["有限责任公司", "有限责任公司（自然人独资）", "股份有限公司"];
pub(super) const SCOPES: &[&str] =
    &["房地产开发与销售", "物业管理服务", "建筑工程施工", "软件开发与技术服务", "日用百货批发零售"];
pub(super) const OFFICES: &[&str] = &["济南市示例局", "济南市示例区示例局", "示例市样板局"];
pub(super) const INSTITUTIONS: &[&str] =
    &["济南市示例医院", "济南市虚泉中学", "济南市拟荷图书馆", "济南市样柳妇幼保健院"];
pub(super) const POLICE: &[&str] = &["虚泉派出所（示例）", "拟荷派出所（示例）", "样柳派出所（示例）"];
pub(super) const BANKS: &[&str] = &["示例银行济南虚泉支行", "样板银行济南拟荷支行", "虚拟储蓄银行济南分行"];
pub(super) const PEOPLES: &[&str] = &["汉族", "回族", "满族", "蒙古族"];
pub(super) const SHARES: &[&str] = &["单独所有", "共同共有", "按份共有 50%"];
pub(super) const MARITAL: &[&str] = &["未婚", "已婚", "离婚", "丧偶"];
pub(super) const RELATIONS: &[&str] = &["户主", "配偶", "子", "女", "父亲", "母亲"];
pub(super) const STATUSES: &[&str] = &["有效", "正常", "已办结"];
pub(super) const USES: &[&str] = &["住宅", "商业", "办公", "车位", "城镇住宅用地"];
pub(super) const STRUCTURES: &[&str] = &["钢筋混凝土结构", "砖混结构", "钢结构"];
pub(super) const TAXES: &[&str] = &["契税", "个人所得税", "增值税", "土地增值税"];
pub(super) const PAYMENTS: &[&str] = &["一次性付款", "商业贷款", "公积金贷款", "组合贷款"];
pub(super) const REASONS: &[&str] = &["到期换领", "遗失补领", "登记项目变更", "错误更正"];
pub(super) const CHANGES: &[&str] = &["姓名", "公民身份号码", "住址"];
pub(super) const KINDS: &[&str] = &["结婚登记", "离婚登记", "补领证件"];
pub(super) const CHILDREN: &[&str] = &["子", "女"];
pub(super) const HOUSEHOLDS: &[&str] = &["家庭户", "集体户"];
pub(super) const LAND_SOURCES: &[&str] = &["出让合同", "划拨决定书", "转让合同"];
pub(super) const ORGAN_TYPES: &[&str] = &["党委机关", "行政机关", "群团机关"];
pub(super) const FUNDING: &[&str] = &["财政补助", "财政全额拨款", "自收自支"];
pub(super) const BOUNDARIES: &[&str] =
    &["东至虚泉路，南至拟荷街，西至样柳大道，北至仿山路", "东至例湖，南至试航街，西至空地，北至示范北街"];
pub(super) const COORDINATES: &[&str] = &["2000国家大地坐标系"];
pub(super) const HOSPITALS: &[&str] = &["济南市示例医院", "济南市样柳妇幼保健院", "济南市虚泉人民医院（示例）"];
pub(super) const SURVEYORS: &[&str] = &["济南市示例测绘院", "济南虚泉测绘有限公司（示例）"];
pub(super) const MISSIONS: &[&str] = &["为公众提供示例性公共服务", "开展示例性教学与研究", "提供示例性医疗服务"];
pub(super) const REMARKS: &[&str] = &["内部流转，勿外传", "已人工复核", "历史数据补录", "待归档"];
