"""The questionnaires that come with the program, to begin a new one from.

Each explanation says what the words of the item mean, and nothing of which answer is wanted. Marks, wording and items
are examples of practice: a draft made from one is changed like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from surveys.questionnaire import Content, Item, Kind, Op, Option, Row, Rule, ShowIf

SAFE = ("很不安全", "不太安全", "一般", "比较安全", "安全")
CONTENT = ("不满意", "不太满意", "一般", "比较满意", "满意")
GOOD = ("很差", "较差", "一般", "较好", "很好")
OF_TEN = ("0", "2", "5", "8", "10")
OF_FOUR = ("0", "0.5", "1.5", "3", "4")
INTRO = (
    "您好！我们想了解您对本地社会治安和平安建设的真实感受，大约需要{minutes}分钟。\n"
    "每个问题没有对错之分，请按您自己的看法选择；不清楚或不想回答的，可以直接选“不清楚”或“不愿回答”。"
)
THANKS = "感谢您的参与。您反映的情况只作汇总统计。"


@dataclass(frozen=True, slots=True)
class Preset:
    """A questionnaire to begin from; `build` makes its content anew."""

    name: str | Promise
    about: str | Promise
    build: Callable[[], Content]


def _scale(key: str, text: str, explanation: str, dimension: str, steps: Sequence[str], marks: Sequence[str]) -> Item:
    options = [
        Option(str(number), label, Decimal(worth))
        for number, (label, worth) in enumerate(zip(steps, marks, strict=True), 1)
    ]
    return Item(key, Kind.SCALE, text, explanation, tuple(options), dimension=dimension)


def _yes_no(
    key: str, text: str, explanation: str, dimension: str = "", *, marked: bool = False, show_if: ShowIf | None = None
) -> Item:
    worth = (Decimal(10), Decimal(0)) if marked else (None, None)
    options = (Option("yes", "是", worth[0]), Option("no", "否", worth[1]))
    return Item(key, Kind.YES_NO, text, explanation, options, dimension=dimension, show_if=show_if)


def _if(item: str, op: Op, value: str) -> ShowIf:
    return ShowIf((Rule(item, op, value),))


def _options(*pairs: tuple[str, str]) -> tuple[Option, ...]:
    return tuple(Option(code, label) for code, label in pairs)


def _more(key: str = "more") -> Item:
    return Item(
        key,
        Kind.TEXT,
        "您还有什么意见、建议或需要反映的情况？",
        "可以不填。请不要写姓名、身份证号、电话等个人信息。",
        is_optional=True,
        max_length=300,
    )


def safety_poll() -> Content:
    """公众安全感民调 as provinces ask it: 5 classes of 13 items, marks 10/8/5/2/0."""
    crime, offices, joint = "违法犯罪治理", "政法单位履职", "平安建设参与"
    rated = "满意程度由您根据自己了解的情况判断；不了解的，请选“不清楚”。"
    return Content(
        "公众安全感测评",
        (
            _scale(
                "safe",
                "您觉得您居住的地方安全吗？",
                "指您在居住地日常生活、工作和出行时，对人身和财产安全的总体感受。",
                "公众安全感",
                SAFE,
                OF_TEN,
            ),
            _scale(
                "gangs",
                "您对本地打击黑恶势力犯罪的情况满意吗？",
                "黑恶势力犯罪，指有组织地欺压群众、强买强卖、把持基层等行为。" + rated,
                crime,
                CONTENT,
                OF_TEN,
            ),
            _scale(
                "theft",
                "您对本地打击盗窃、抢劫、抢夺犯罪的情况满意吗？",
                "包括入户盗窃、扒窃、盗窃车辆以及抢劫、抢夺等。" + rated,
                crime,
                CONTENT,
                OF_TEN,
            ),
            _scale(
                "fraud",
                "您对本地防范和打击电信网络诈骗的情况满意吗？",
                "指通过电话、短信、网络等方式骗取钱财的犯罪，防范包括提醒、劝阻和宣传。" + rated,
                crime,
                CONTENT,
                OF_TEN,
            ),
            _scale(
                "vice",
                "您对本地查处黄赌毒的情况满意吗？",
                "指对卖淫嫖娼、赌博、吸毒贩毒等违法犯罪的查处。" + rated,
                crime,
                CONTENT,
                OF_TEN,
            ),
            _scale(
                "food",
                "您对本地打击食品药品和环境犯罪的情况满意吗？",
                "指生产销售有毒有害食品、假药劣药，以及严重污染环境等犯罪。" + rated,
                crime,
                CONTENT,
                OF_TEN,
            ),
            _scale(
                "police",
                "您对本地公安机关的工作满意吗？",
                "公安机关包括公安局、派出所和交警，工作包括接处警、治安巡逻、户籍办证等。" + rated,
                offices,
                CONTENT,
                OF_TEN,
            ),
            _scale(
                "procuracy",
                "您对本地检察院的工作满意吗？",
                "检察院负责审查逮捕、提起公诉、公益诉讼和法律监督等工作。" + rated,
                offices,
                CONTENT,
                OF_TEN,
            ),
            _scale(
                "court",
                "您对本地法院的工作满意吗？",
                "法院负责审理案件、执行判决，包括人民法庭的立案、调解、审判。" + rated,
                offices,
                CONTENT,
                OF_TEN,
            ),
            _scale(
                "justice",
                "您对本地司法行政机关的工作满意吗？",
                "司法行政机关包括司法局和司法所，工作包括人民调解、法律援助、公证、普法等。" + rated,
                offices,
                CONTENT,
                OF_TEN,
            ),
            _scale(
                "disputes",
                "您对本地矛盾纠纷调解处理的情况满意吗？",
                "指邻里、家庭、土地、劳资等纠纷，由村（社区）、镇街或有关部门调解处理的情况。" + rated,
                "矛盾纠纷化解",
                CONTENT,
                OF_TEN,
            ),
            _yes_no(
                "knows",
                "您知道本地正在开展平安建设吗？",
                "平安建设，指预防和减少违法犯罪、化解矛盾、消除安全隐患的各项工作。听说过或看到过即为知道。",
                joint,
                marked=True,
            ),
            _yes_no(
                "takes_part",
                "最近一年，您参加过平安建设方面的活动吗？",
                "如治安巡逻、邻里守望、志愿服务、平安宣传、反映安全隐患等，参加过其中一次即为参加过。",
                joint,
                marked=True,
            ),
        ),
        INTRO.format(minutes=5),
        THANKS,
    )


def call_back() -> Content:
    """Three questions after an issue was handled: contacted, solved, content."""
    about = "问题办理回访"
    return Content(
        "问题办理回访",
        (
            _yes_no(
                "contacted",
                "您反映问题后，有工作人员与您联系过吗？",
                "指办理单位的人打电话、发信息或当面与您联系，了解情况或告知办理进展。",
                about,
                marked=True,
            ),
            Item(
                "solved",
                Kind.SINGLE,
                "您反映的问题解决了吗？",
                "以您自己看到的实际情况为准，与办理单位怎么答复无关。",
                (
                    Option("solved", "解决了", Decimal(10)),
                    Option("partly", "解决了一部分", Decimal(5)),
                    Option("unsolved", "没有解决", Decimal(0)),
                ),
                dimension=about,
            ),
            Item(
                "content",
                Kind.SINGLE,
                "您对这次办理满意吗？",
                "包括办理的结果、速度和工作人员的态度，请按您自己的感受选择。",
                (
                    Option("content", "满意", Decimal(10)),
                    Option("mostly", "基本满意", Decimal(9)),
                    Option("not_content", "不满意", Decimal(0)),
                ),
                dimension=about,
            ),
            Item(
                "why",
                Kind.TEXT,
                "您不满意的主要原因是什么？",
                "可以不填。请不要写姓名、身份证号、电话等个人信息。",
                is_optional=True,
                max_length=300,
                show_if=_if("content", Op.IS, "not_content"),
            ),
        ),
        "您好！想就您反映的问题向您了解办理情况，只有三个问题，不到一分钟。",
        THANKS,
    )


def known_and_shared() -> Content:
    """知晓率 and 参与率 of the campaign: each the share that says yes."""
    known, shared = "知晓率", "参与率"
    return Content(
        "群众工作知晓率、参与率测评",
        (
            _yes_no(
                "knows",
                "您知道本地正在开展“群众工作·平安建设”活动吗？",
                "指干部入户走访、收集和解决群众问题的活动。听说过或看到过即为知道。",
                known,
                marked=True,
            ),
            Item(
                "heard_by",
                Kind.MULTI,
                "您是从哪里知道的？",
                "想得起来的都可以选。",
                _options(
                    ("visit", "干部入户走访"),
                    ("meeting", "会议、院坝会"),
                    ("group", "微信群、公众号"),
                    ("board", "公告栏、横幅、宣传单"),
                    ("media", "电视、广播、报纸"),
                    ("talk", "听别人说"),
                    ("other", "其他"),
                ),
                shuffle=True,
                show_if=_if("knows", Op.IS, "yes"),
            ),
            _yes_no(
                "visited",
                "今年有干部到您家走访过吗？",
                "指镇街、村（社区）或区直部门的干部到您家里与您家成年人见面交谈。",
                known,
                marked=True,
            ),
            _yes_no(
                "takes_part",
                "最近一年，您参加过本地平安建设方面的活动吗？",
                "如治安巡逻、邻里守望、志愿服务、平安宣传、反映安全隐患等，参加过其中一次即为参加过。",
                shared,
                marked=True,
            ),
            Item(
                "part",
                Kind.MULTI,
                "您参加过哪些？",
                "想得起来的都可以选。",
                _options(
                    ("patrol", "治安巡逻、邻里守望"),
                    ("volunteer", "志愿服务"),
                    ("publicity", "平安宣传活动"),
                    ("report", "反映安全隐患、矛盾纠纷"),
                    ("meeting", "村（居）民会议"),
                    ("other", "其他"),
                ),
                shuffle=True,
                show_if=_if("takes_part", Op.IS, "yes"),
            ),
            _more(),
        ),
        INTRO.format(minutes=2),
        THANKS,
    )


def pulse() -> Content:
    """A short survey of how safe people feel, marks 4/3/1.5/0.5/0, for asking often."""
    felt = "安全感"
    return Content(
        "安全感月度快测",
        (
            _scale(
                "safe",
                "您觉得您居住的地方安全吗？",
                "指您在居住地日常生活、工作和出行时，对人身和财产安全的总体感受。",
                felt,
                SAFE,
                OF_FOUR,
            ),
            _scale(
                "night",
                "天黑以后一个人在住处附近走动，您觉得安全吗？",
                "指晚上在您住处步行十分钟左右的范围内。平时晚上不出门的，可按您的估计选择，或选“不清楚”。",
                felt,
                SAFE,
                OF_FOUR,
            ),
            Item(
                "aspects",
                Kind.MATRIX,
                "您住处附近下面几方面的情况怎么样？",
                "“附近”指您日常走动的范围，逐项按您自己的了解选择。",
                tuple(
                    Option(str(number), label, Decimal(worth))
                    for number, (label, worth) in enumerate(zip(GOOD, OF_FOUR, strict=True), 1)
                ),
                (
                    Row("police", "治安秩序"),
                    Row("traffic", "交通秩序"),
                    Row("fire", "消防安全"),
                    Row("light", "夜间照明"),
                ),
                dimension="身边环境",
            ),
            Item(
                "worries",
                Kind.MULTI,
                "您平时最担心哪些安全问题？（最多选三项）",
                "请选您自己最担心的，没有担心的可以选“没有”。",
                _options(
                    ("fraud", "电信网络诈骗"),
                    ("theft", "盗窃"),
                    ("traffic", "交通事故"),
                    ("fire", "火灾"),
                    ("food", "食品药品安全"),
                    ("disputes", "邻里、家庭纠纷"),
                    ("children", "孩子上下学安全"),
                    ("none", "没有"),
                ),
                shuffle=True,
                max_choices=3,
            ),
            _scale(
                "change",
                "与一年前相比，您觉得本地的治安状况有什么变化？",
                "按您自己的感受比较。在本地居住不到一年的，请选“不清楚”。",
                "",
                ("差了很多", "差了一些", "没有变化", "好了一些", "好了很多"),
                OF_FOUR,
            ),
            _more(),
        ),
        INTRO.format(minutes=2),
        THANKS,
    )


def visit_check() -> Content:
    """Whether a visit took place as recorded, asked of the household by somebody else."""
    visit = "走访真实性"
    met = _if("visited", Op.IS, "yes")
    return Content(
        "走访情况核实",
        (
            _yes_no(
                "visited",
                "最近一个月，有干部到您家走访过吗？",
                "指镇街、村（社区）或区直部门的干部到您家里来过，不论谈了多久。",
                visit,
                marked=True,
            ),
            Item(
                "who",
                Kind.SINGLE,
                "当时是谁与干部见的面？",
                "成年人指年满十八周岁的家庭成员。",
                _options(
                    ("me", "我本人"),
                    ("adult", "家里其他成年人"),
                    ("child", "只有孩子在家"),
                    ("leaflet", "没有见面，只留了资料"),
                ),
                dimension=visit,
                show_if=met,
            ),
            _yes_no(
                "asked",
                "干部问过您家有什么困难、需求或意见吗？",
                "当面问过即可，不论当时有没有需要反映的事。",
                "走访质量",
                marked=True,
                show_if=met,
            ),
            Item(
                "minutes",
                Kind.NUMBER,
                "大约谈了多少分钟？",
                "记不清可以填大概的数，或选“不清楚”。",
                dimension="走访质量",
                show_if=met,
                minimum="0",
                maximum="300",
                is_whole=True,
            ),
            Item(
                "content",
                Kind.SCALE,
                "您对干部这次走访满意吗？",
                "包括态度、听取意见和讲解政策的情况，请按您自己的感受选择。",
                tuple(
                    Option(str(number), label, Decimal(worth))
                    for number, (label, worth) in enumerate(zip(CONTENT, OF_TEN, strict=True), 1)
                ),
                dimension="走访质量",
                show_if=met,
            ),
            _more(),
        ),
        "您好！想向您了解一下干部入户走访的情况，大约需要两分钟。",
        THANKS,
    )


PRESETS: dict[str, Preset] = {
    "safety": Preset(
        _("Public safety poll"),
        _("Five classes of thirteen items, as the provinces ask by telephone; marks 10, 8, 5, 2, 0."),
        safety_poll,
    ),
    "call_back": Preset(
        _("Call-back in three questions"),
        _("Was the resident contacted, is the problem solved, is the resident content (10, 9, 0)."),
        call_back,
    ),
    "known": Preset(
        _("Known and taken part in"),
        _("The shares of residents who know of the campaign and who took part, and how."),
        known_and_shared,
    ),
    "pulse": Preset(
        _("Short survey of how safe people feel"),
        _("Short enough to be asked every month; marks 4, 3, 1.5, 0.5, 0."),
        pulse,
    ),
    "visit": Preset(
        _("Did the visit take place"),
        _("For spot checks: what the household says of the visit, item by item."),
        visit_check,
    ),
}
