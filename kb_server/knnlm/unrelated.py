"""What neighbours must leave alone: text that hardly any base has."""

UNRELATED = """\
昨天下午，市气象台发布大风蓝色预警，预计今晚到明天白天有五到六级偏北风，阵风可达八级。气象台提醒市民出行注意防风，收好阳台上的物品。
受冷空气影响，周末最低气温将降至零下三度，各区已经安排人员检查供暖设施，并为户外工作者准备了热水和休息点。

Whisk the eggs with the sugar until pale, fold in the flour a spoonful at a time, and bake for forty minutes. Let the \
cake cool in its tin, then turn it out and spread the jam while it is still a little warm.

def merge(left, right):
    \"\"\"Merge two sorted lists.\"\"\"
    found = []
    while left and right:
        found.append(left.pop(0) if left[0] <= right[0] else right.pop(0))
    return found + left + right


class Stack:
    def __init__(self, limit=None):
        self._items = []
        self._limit = limit

    def push(self, item):
        if self._limit is not None and len(self._items) >= self._limit:
            raise OverflowError(f"more than {self._limit} items")
        self._items.append(item)

公司公布的第三季度财报显示，营业收入同比增长百分之十二，净利润略有下降，主要原因是原材料价格上涨。分析师认为，随着新工厂投产，
明年的毛利率有望回升。消息公布后，该公司股价当天上涨百分之二点三。

Le train de nuit part à vingt-deux heures et arrive le lendemain matin. Les billets se prennent au guichet ou sur \
place, et les enfants de moins de six ans voyagent gratuitement s'ils n'occupent pas de siège.

SELECT city, COUNT(*) AS orders, SUM(total) FROM sales WHERE day >= '2024-01-01' GROUP BY city ORDER BY orders DESC;

for (let i = 0; i < rows.length; i += 1) {
  const cell = rows[i].querySelector('td.price');
  if (cell !== null) cell.textContent = Number(cell.dataset.cents / 100).toFixed(2);
}

"I don't think she heard you," he whispered, and put the lamp back on the shelf. Outside, somebody was laughing.
"""
