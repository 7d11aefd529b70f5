"""The usual category tree and the limits of the kinds; the district office edits both."""

from django.db import migrations

# kind → (limit in working days, limit when urgent)
LIMITS = {"hazard": (3, 1), "consultation": (3, 1), "need": (7, 1), "dispute": (15, 1), "suggestion": (7, 1)}

# root → its children, each (name, usual kind, own limit in working days or None)
TREE = {
    "交通道路": [
        ("道路破损", "need", None),
        ("路灯照明", "need", 5),
        ("交通安全设施", "hazard", None),
        ("公交出行", "suggestion", None),
        ("停车秩序", "need", None),
    ],
    "水利饮水": [
        ("饮水安全", "need", 3),
        ("停水断水", "need", 2),
        ("灌溉沟渠", "need", None),
        ("防汛隐患", "hazard", 1),
    ],
    "环境卫生": [
        ("垃圾清运", "need", 3),
        ("污水排放", "need", None),
        ("噪声油烟", "need", None),
        ("厕所改造", "need", None),
    ],
    "社会救助": [
        ("低保特困", "need", None),
        ("临时救助", "need", 5),
        ("残疾人服务", "need", None),
        ("养老服务", "need", None),
        ("儿童关爱", "need", None),
    ],
    "医疗卫生": [
        ("医保报销", "consultation", None),
        ("看病就医", "need", None),
        ("公共卫生", "suggestion", None),
    ],
    "教育": [
        ("入学转学", "consultation", None),
        ("学校管理", "suggestion", None),
        ("教育资助", "need", None),
        ("校园安全", "hazard", None),
    ],
    "就业社保": [
        ("就业帮扶", "need", None),
        ("养老保险", "consultation", None),
        ("欠薪维权", "dispute", 10),
        ("技能培训", "suggestion", None),
    ],
    "住房建设": [
        ("危房改造", "hazard", 5),
        ("宅基地审批", "need", 10),
        ("物业管理", "dispute", None),
        ("产权办证", "need", 10),
        ("征地拆迁", "dispute", None),
    ],
    "矛盾纠纷": [
        ("邻里纠纷", "dispute", None),
        ("婚姻家庭", "dispute", None),
        ("土地山林", "dispute", None),
        ("经济合同", "dispute", None),
    ],
    "治安安全": [
        ("盗窃诈骗", "need", 5),
        ("黄赌毒线索", "need", 5),
        ("消防隐患", "hazard", None),
        ("治安巡防", "suggestion", None),
    ],
    "农业生产": [
        ("农技服务", "consultation", None),
        ("农资农机", "need", None),
        ("惠农补贴", "consultation", None),
        ("产销对接", "need", None),
        ("病虫害疫病", "hazard", None),
    ],
    "政策咨询": [
        ("户籍证件", "consultation", None),
        ("生育婚姻政策", "consultation", None),
        ("法律咨询", "consultation", None),
    ],
    "其他": [
        ("意见建议", "suggestion", None),
        ("通信电力", "need", 5),
        ("其他问题", "need", None),
    ],
}
ROOT_KINDS = {"矛盾纠纷": "dispute", "政策咨询": "consultation"}


def create(apps, schema_editor):
    Category = apps.get_model("issues", "Category")
    KindLimit = apps.get_model("issues", "KindLimit")
    for kind, (workdays, urgent) in LIMITS.items():
        KindLimit.objects.create(kind=kind, workdays=workdays, urgent_workdays=urgent)
    for number, (name, children) in enumerate(TREE.items(), 1):
        code = f"{number:02d}"
        root = Category.objects.create(code=code, name=name, kind=ROOT_KINDS.get(name, "need"), sort_order=number * 100)
        for place, (child, kind, workdays) in enumerate(children, 1):
            Category.objects.create(
                code=f"{code}{place:02d}",
                name=child,
                parent=root,
                kind=kind,
                workdays=workdays,
                sort_order=number * 100 + place,
            )


class Migration(migrations.Migration):
    dependencies = [("issues", "0003_number_and_guards")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
