"""The usual household categories, with the spellings rosters use; administrators edit them."""

from django.db import migrations

# code, name, priority, other spellings
CATEGORIES = [
    ("tekun", "特困供养", 90, ["特困", "特困户", "特困供养户", "特困人员", "五保", "五保户"]),
    ("dibao", "低保", 80, ["低保户", "最低生活保障", "享受低保"]),
    ("jiance", "监测户", 80, ["监测", "监测对象", "防返贫监测", "三类户", "边缘易致贫户"]),
    ("dujulaoren", "独居老人", 80, ["独居", "独居老人户", "空巢", "空巢老人"]),
    ("canji", "残疾人户", 70, ["残疾", "残疾人", "残疾户"]),
    ("zhongbing", "重病户", 70, ["重病", "大病", "大病户"]),
    ("liushou", "留守家庭", 60, ["留守", "留守儿童", "留守老人", "留守户"]),
    ("jishengtefu", "计生特扶", 60, ["计生特扶户", "失独", "失独家庭"]),
    ("tuopin", "脱贫户", 50, ["脱贫", "建档立卡", "建档立卡户", "贫困户"]),
    ("tuiyi", "退役军人", 30, ["退役", "退役军人户", "退伍军人", "军属"]),
    ("dangyuan", "党员户", 0, ["党员", "党员家庭"]),
]


def create(apps, schema_editor):
    Category = apps.get_model("households", "Category")
    for order, (code, name, priority, aliases) in enumerate(CATEGORIES, 1):
        Category.objects.create(code=code, name=name, priority=priority, aliases=aliases, sort_order=order)


class Migration(migrations.Migration):
    dependencies = [("households", "0001_initial")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
